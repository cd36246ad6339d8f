"""Blocks of networks that several families share."""

from genlib.nn.conditioning import ConditionedStack, TimeClassEmbedding
from genlib.nn.dense import ACTIVATIONS, Tied, stack
from genlib.nn.dropout import Drawing, Dropout, draw_from
from genlib.nn.equalized import Equalised, equalise
from genlib.nn.growing import MinibatchStd, PixelNorm, fade_in
from genlib.nn.patches import PatchTransformer
from genlib.nn.spectral import spectral_norm
from genlib.nn.strided import doubling, halved_twice, halving
from genlib.nn.style import (
    AdaIN,
    ConstantInput,
    ModulatedConv,
    NoiseInjection,
    StyleMixing,
    instance_norm,
    mapping_network,
    mixed,
    truncated,
)
from genlib.nn.unet import BookUNet, SpaceToDepthUNet

__all__ = [
    "ACTIVATIONS",
    "AdaIN",
    "BookUNet",
    "ConditionedStack",
    "ConstantInput",
    "Drawing",
    "Dropout",
    "Equalised",
    "MinibatchStd",
    "ModulatedConv",
    "NoiseInjection",
    "PatchTransformer",
    "PixelNorm",
    "SpaceToDepthUNet",
    "StyleMixing",
    "Tied",
    "TimeClassEmbedding",
    "doubling",
    "draw_from",
    "equalise",
    "fade_in",
    "halved_twice",
    "halving",
    "instance_norm",
    "mapping_network",
    "mixed",
    "spectral_norm",
    "stack",
    "truncated",
]
