"""The equalised learning rate: all weights are drawn alike, and scaled where they are used."""

import math

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.utils import parametrize


class Equalised(nn.Module):
    """A weight times He's constant, w ↦ c w with c = √(2 / fan-in), at run time.

    Adam and its kin move each weight by about the learning rate, whatever the weight's size. With
    w drawn from N(0, 1) that is the same share of every weight of every layer (T. Karras et al.,
    *Progressive growing of GANs*, ICLR 2018, section 4.1).

    Args:
        fan_in: values that each output of the layer is a sum of.
        pace: how much slower, below 1, the layer learns than others: w is drawn from
            N(0, 1 / pace²) and scaled by pace · c (Karras et al., CVPR 2019, section C).
    """

    def __init__(self, fan_in: int, pace: float = 1.0) -> None:
        super().__init__()
        self.scale = pace * math.sqrt(2 / fan_in)

    def forward(self, weight: Float[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape"]:
        """Return the weight that the layer uses."""
        return self.scale * weight


def equalise(network: nn.Module, *, at_run_time: bool = True, pace: float = 1.0) -> None:
    """Give all dense layers and convolutions of a network weights of He's size, and no biases yet.

    Args:
        network: whose weights are drawn anew.
        at_run_time: scale them there, or, where not, once and for all (He et al. 2015): the
            network computes the same before its first step, and only learns at another rate.
        pace: see `Equalised`.
    """
    for layer in list(network.modules()):
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            continue
        equalised = Equalised(layer.weight[0].numel(), pace)
        nn.init.normal_(layer.weight, std=1 / pace if at_run_time else equalised.scale / pace)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        if at_run_time:
            parametrize.register_parametrization(layer, "weight", equalised)
