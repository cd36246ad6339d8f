"""`python -m benchmarks NAME`: figures that are measured here and now, the last line as JSON."""

import importlib
import sys

NAMES = ("stacked", "interface")

if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
    sys.exit(f"usage: python -m benchmarks {{{','.join(NAMES)}}}")
importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:])
