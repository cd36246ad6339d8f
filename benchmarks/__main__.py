"""`python -m benchmarks NAME`: figures that are measured here and now, the last line as JSON.

NAME is `interface`, `links`, `classifiers`, `gan`, `gpu`, `diffusion`, `pipelines`,
`autoencoders` for all autoencoders, or the name of one of their families.
"""

import importlib
import sys

from benchmarks.textbook import RECIPES

MODULES = (
    *("autoencoders", "classifiers", "diffusion", "gan", "gpu", "interface", "links"),
    "pipelines",
)
FAMILIES = {row.split()[0]: None for row in RECIPES}

match sys.argv[1:]:
    case [name, *options] if name in MODULES:
        importlib.import_module(f"benchmarks.{name}").main(options)
    case [name, *options] if name in FAMILIES:
        importlib.import_module("benchmarks.autoencoders").main([name, *options])
    case _:
        names = ",".join((*MODULES, *FAMILIES))
        sys.exit(f"usage: python -m benchmarks {{{names}}}")
