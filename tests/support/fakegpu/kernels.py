"""Operations on CPU tensors, also those that the CPU does not have."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor


def leaves(values: Iterable[Any]) -> Iterator[Any]:
    """Yield what is in values and in lists within; for so many operations pytrees are slow."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from leaves(value)
        else:
            yield value


def mapped(change: Callable[[Any], Any], values: Any) -> Any:
    """Return values, or lists of them, changed."""
    if isinstance(values, list | tuple):
        return type(values)([mapped(change, value) for value in values])
    return change(values)


def computed(func: Any, args: Any, kwargs: Any) -> Any:
    """Run an operation on CPU tensors; what the CPU does not have is written out."""
    match func._schema.name:
        case "aten::_efficientzerotensor":  # zeros without memory, through which autograd sees
            options = {key: kwargs[key] for key in ("dtype", "device") if key in kwargs}
            return torch.zeros(*args, **options)
        case "aten::_thnn_fused_lstm_cell":
            return _lstm_cell(*args, **kwargs)
        case "aten::_thnn_fused_lstm_cell_backward_impl":
            return _lstm_cell_backward(*args, **kwargs)
    return func(*args, **kwargs)


def _lstm_cell(inputs, previous, cell, bias=None, previous_bias=None):
    gates = inputs + previous if bias is None else inputs + previous + bias + previous_bias
    i, f, g, o = gates.chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    new = f * cell + i * g
    return o * new.tanh(), new, torch.cat([i, f, g, o], 1)


def _lstm_cell_backward(grad_hidden, grad_cell, cell, new, gates, has_bias):
    i, f, g, o = gates.chunk(4, 1)
    squashed = new.tanh()
    slope = torch.zeros_like(new) if grad_cell is None else grad_cell
    out = torch.zeros_like(o)
    if grad_hidden is not None:
        slope = slope + grad_hidden * o * (1 - squashed * squashed)
        out = grad_hidden * squashed * o * (1 - o)
    inner = [slope * g * i * (1 - i), slope * cell * f * (1 - f), slope * i * (1 - g * g), out]
    whole: Tensor = torch.cat(inner, 1)
    return whole, slope * f, whole.sum(0) if has_bias else None
