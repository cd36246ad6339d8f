"""Blocks of networks that several families share."""

from genlib.nn.dense import ACTIVATIONS, Activation, Nonlinearity, Tied, stack
from genlib.nn.dropout import Dropout, draw_from
from genlib.nn.patches import PatchTransformer
from genlib.nn.spectral import spectral_norm
from genlib.nn.strided import doubling, halved_twice, halving
from genlib.nn.time import TimedStack
from genlib.nn.unet import BookUNet, SpaceToDepthUNet

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BookUNet",
    "Dropout",
    "Nonlinearity",
    "PatchTransformer",
    "SpaceToDepthUNet",
    "Tied",
    "TimedStack",
    "doubling",
    "draw_from",
    "halved_twice",
    "halving",
    "spectral_norm",
    "stack",
]
