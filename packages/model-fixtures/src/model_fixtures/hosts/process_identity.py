"""Processes by pid and start mark, so that a reused pid is never taken for our process.

Linux and Windows tell more than psutil: a start time that no change of the clock moves and
descriptors of processes; whether a process has ended of which somebody holds a handle. psutil does
the rest. The functions that need it import it, since a start of pytest can import this module.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

_POLL = 0.05


def start_mark(pid: int) -> str | None:
    """Return a text that no other process with this pid has, now or later; None without a process.

    A zombie counts as no process.

    Raises:
        OSError: the system does not tell, for example because it has no file handle left.
    """
    if sys.platform == "linux":
        return _linux_mark(pid)
    elif sys.platform == "win32":  # noqa: RET505 (mypy skips the branches of other platforms)
        return _windows_mark(pid)
    else:
        return _psutil_mark(pid)


def end(pid: int, mark: str, patience: float = 10.0) -> bool:
    """Ask a process to end, kill it if it does not, and return whether there was one to end.

    Windows asks no process: it is killed at once.

    Args:
        pid: its process id.
        mark: its start mark; a process with another mark is left alone.
        patience: seconds between asking and killing.

    Raises:
        OSError: the process is another user's, or the system does not tell whether it runs.
    """
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        try:
            return _end_by_descriptor(pid, mark, patience)
        except ProcessLookupError:
            return False
        except OSError:
            pass  # the kernel or a sandbox does not offer pidfd
    return _end_by_psutil(pid, mark, patience)


def _end_by_psutil(pid: int, mark: str, patience: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)  # it sends nothing once the pid has been reused
        if start_mark(pid) != mark:
            return False
        for send in (process.terminate, process.kill):
            send()
            # Not process.wait(), which would take the exit status from whoever started it.
            deadline = time.monotonic() + patience
            while start_mark(pid) == mark:
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL)
            else:
                break
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied as error:
        raise PermissionError(str(error)) from None
    return True


def _psutil_mark(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        return None if ended else repr(process.create_time())
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied as error:
        raise PermissionError(str(error)) from None


if sys.platform == "linux":
    import select

    def _end_by_descriptor(pid: int, mark: str, patience: float) -> bool:
        # The descriptor stays bound to the process, so its pid cannot be reused before the signal.
        descriptor = os.pidfd_open(pid)
        try:
            if start_mark(pid) != mark:
                return False
            for sig in (signal.SIGTERM, signal.SIGKILL):
                signal.pidfd_send_signal(descriptor, sig)
                if select.select([descriptor], [], [], patience)[0]:
                    break
            return True
        finally:
            os.close(descriptor)


def _linux_mark(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold any character; state and start time are fields 3 and 22.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    def _windows_mark(pid: int) -> str | None:
        kernel = ctypes.windll.kernel32
        kernel.OpenProcess.restype = wintypes.HANDLE
        query_limited_information, still_active = 0x1000, 259
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return None
        try:
            status = wintypes.DWORD()
            times = [wintypes.FILETIME() for _ in range(4)]
            kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(status))
            kernel.GetProcessTimes(wintypes.HANDLE(handle), *map(ctypes.byref, times))
            if status.value != still_active:
                return None
            return f"{times[0].dwHighDateTime}:{times[0].dwLowDateTime}"
        finally:
            kernel.CloseHandle(wintypes.HANDLE(handle))
