"""genlib: autoencoders, GANs and diffusion models that one can train, look into and break.

    import genlib

    run = genlib.train("vae", codings=2, epochs=1)  # with a progress bar; kept in the store
    pictures = run.sample(16)  # (16, channels, height, width), in [0, 1]
    z = run.encode(pictures)  # (16, codings)
    run = genlib.load(run.fingerprint)  # the same run, in another program
    list(genlib.FAMILIES)  # what can be trained

Importing it is quick: torch is imported by the first call that needs it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlib.errors import KnobError
    from genlib.front import load, train
    from genlib.models import FAMILIES

__version__ = "0.1.0"
__all__ = ["FAMILIES", "KnobError", "load", "train"]


def __getattr__(name: str) -> Any:
    """Return a public name, from the module that has it, which is imported now."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'genlib' has no attribute {name!r}")
    places = {"FAMILIES": "genlib.models", "KnobError": "genlib.errors"}
    return getattr(import_module(places.get(name, "genlib.front")), name)
