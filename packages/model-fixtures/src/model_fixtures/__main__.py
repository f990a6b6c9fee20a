"""The command line: the console script `model-fixtures`, or `python -m model_fixtures`."""

import sys


def run() -> int:
    """Run the command line with the arguments of this process, and return the exit code."""
    try:
        from model_fixtures.cli import main

        return main()
    except KeyboardInterrupt:
        # Ctrl-C was pressed while modules were still being imported.
        return 130


if __name__ == "__main__":
    sys.exit(run())
