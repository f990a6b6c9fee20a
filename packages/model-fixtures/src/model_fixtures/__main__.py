"""`python -m model_fixtures`: the command line."""

import sys

try:
    from model_fixtures.cli import main

    status = main()
except KeyboardInterrupt:
    # Ctrl-C while modules are still being imported.
    status = 130
sys.exit(status)
