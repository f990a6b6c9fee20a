"""Lets these tests import `training`, which lies beside `src` since it is no part of the wheel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
