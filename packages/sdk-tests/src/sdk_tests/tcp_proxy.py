"""A proxy on loopback that can cut or stall the connections between the SDK and a host."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65536


class TcpProxy:
    """A proxy that forwards bytes between clients and a host until told otherwise."""

    def __init__(self, host: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, name="tcp-proxy", daemon=True)
        self._acceptor.start()

    @property
    def address(self) -> str:
        """The "host:port" to which the SDK connects."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def cut(self) -> None:
        """Close all connections, as a dying host does; new connections are accepted."""
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            with suppress(OSError):  # the other side has closed it already
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def stall(self) -> None:
        """Hold back everything that the host sends from now on; connections stay open."""
        self._flowing.clear()

    def resume(self) -> None:
        """Forward what was held back."""
        self._flowing.set()

    def close(self) -> None:
        """Stop listening and close all connections."""
        self._closing = True
        self.resume()
        with suppress(OSError):  # Linux: wakes the thread that accepts
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        self.cut()

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
                host = socket.create_connection(self._target)
            except OSError:
                return
            with self._lock:
                self._open += [client, host]
            for source, sink, held in ((client, host, False), (host, client, True)):
                pump = threading.Thread(target=self._pump, args=(source, sink, held), daemon=True)
                pump.start()

    def _pump(self, source: socket.socket, sink: socket.socket, held: bool) -> None:
        with suppress(OSError):  # cut
            while data := source.recv(_CHUNK):
                if held:
                    self._flowing.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def tcp_proxy(host: str) -> Iterator[TcpProxy]:
    """Run a proxy in front of the host "name:port"."""
    proxy = TcpProxy(host)
    try:
        yield proxy
    finally:
        proxy.close()
