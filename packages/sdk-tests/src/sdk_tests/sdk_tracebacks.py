"""The SDK's own frames in tracebacks, which end at its boundary unless a variable asks for them."""

import sys
import traceback
from pathlib import Path

import lmstudio

from .sdk_releases import known_bug

KEEP_VARIABLE = "LMS_KEEP_INTERNAL_STACK"
"""Environment variable that keeps the SDK's frames in tracebacks."""

_SDK_FOLDER = Path(lmstudio.__file__).parent

truncation_bug = known_bug(
    "The boundary clears __traceback__ in __exit__, but on Python 3.10 the interpreter restores the"
    " old traceback when it re-raises the exception: nothing is ever cut off there.",
    when=sys.version_info < (3, 11),
)


def sdk_frames(error: BaseException) -> list[str]:
    """Return the names of the SDK's functions in an exception's traceback, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.name for frame in frames if _SDK_FOLDER in Path(frame.filename).parents]
