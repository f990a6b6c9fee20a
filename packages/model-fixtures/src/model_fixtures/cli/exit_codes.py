"""The exit codes of the command line, and how its help explains them."""

from __future__ import annotations

SUCCEEDED, FAILED, MISUSED, OTHER_OPTIONS, INTERRUPTED = 0, 1, 2, 3, 130

MEANINGS = {
    SUCCEEDED: "it worked",
    FAILED: "it failed; the reason is one line on stderr",
    MISUSED: "the command line is wrong",
    OTHER_OPTIONS: "`start`: a server runs already, with other options",
    INTERRUPTED: "it was interrupted with Ctrl-C",
}
_LINES = "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANINGS.items())
EPILOG = f"\b\nExit codes:\n{_LINES}"  # \b: click leaves these lines as they are
