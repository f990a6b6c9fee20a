"""Make `training` importable, which lies beside `src` because it is not part of the wheel."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
