"""The command line: `genlib train | measure | runs | …`, or `python -m genlib …`."""

import sys

from genlib.cli import main

if __name__ == "__main__":
    sys.exit(main())
