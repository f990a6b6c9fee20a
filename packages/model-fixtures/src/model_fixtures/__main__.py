"""The command line, run as `python -m model_fixtures`."""

import sys

try:
    from model_fixtures.cli import main

    status = main()
except KeyboardInterrupt:
    # Ctrl-C was pressed while modules were still being imported.
    status = 130
sys.exit(status)
