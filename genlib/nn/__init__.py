"""Blocks of networks that several families share."""

from genlib.nn.dense import ACTIVATIONS, Activation, Tied, stack

__all__ = ["ACTIVATIONS", "Activation", "Tied", "stack"]
