"""The Hugging Face Hub: pretrained models from it, one's own runs to it."""

from genlib.hub.curated import Pretrained, curated
from genlib.hub.errors import HubError
from genlib.hub.pull import Pull
from genlib.hub.reversal import Reversal

__all__ = ["HubError", "Pretrained", "Pull", "Reversal", "curated"]
