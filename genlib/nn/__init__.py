"""Blocks of networks that several families share."""

from genlib.nn.dense import ACTIVATIONS, Activation, Tied, stack
from genlib.nn.strided import doubling, halved_twice, halving

__all__ = ["ACTIVATIONS", "Activation", "Tied", "doubling", "halved_twice", "halving", "stack"]
