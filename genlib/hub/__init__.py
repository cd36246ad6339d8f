"""The Hugging Face Hub: pretrained models from it, one's own runs to it.

The list and its errors come without torch; what pulls and what walks is imported when asked for.
"""

from typing import TYPE_CHECKING, Any

from genlib.hub.curated import Pretrained, curated
from genlib.hub.errors import HubError

if TYPE_CHECKING:
    from genlib.hub.pull import Pull
    from genlib.hub.reversal import Reversal

__all__ = ["HubError", "Pretrained", "Pull", "Reversal", "curated"]


def __getattr__(name: str) -> Any:
    """Return what needs torch, from the module that has it, which is imported now."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'genlib.hub' has no attribute {name!r}")
    return getattr(import_module(f"genlib.hub.{name.lower()}"), name)
