"""A captured graph: operations on CPU tensors, with what they gave."""

from collections.abc import Iterator

import torch
from torch import Tensor

from tests.support.fakegpu.kernels import computed, leaves


class Tape:
    """The operations of a step, which can be run again on the same memory."""

    def __init__(self) -> None:
        self.entries: list[tuple] = []
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        self.states: dict[int, tuple[torch._C.Generator, Tensor]] = {}
        self.allocated: dict[int, object] = {}  # kept, so that no address is reused

    def record(self, func, args, kwargs):
        """Run an operation and remember it, and what stood where it writes."""
        for t in _written(func, args, kwargs):
            if _storage(t) not in self.allocated | self.before:
                whole = torch.empty(0, dtype=torch.uint8).set_(t.untyped_storage())
                self.before[_storage(t)] = whole, whole.clone()
        values = [*leaves(args), *leaves(kwargs.values())]
        for value in values:
            if isinstance(value, torch._C.Generator):
                self.states.setdefault(value._cdata, (value, value.get_state()))
        output = computed(func, args, kwargs)
        inputs = {_storage(t) for t in values if isinstance(t, Tensor)}
        fresh = [isinstance(t, Tensor) and _storage(t) not in inputs for t in leaves([output])]
        for t, new in zip(leaves([output]), fresh, strict=True):
            if new:
                self.allocated[_storage(t)] = t.untyped_storage()
        self.entries.append((func, args, kwargs, output, fresh))
        return output

    def undo(self) -> None:
        """Put back what was there before: a capture computes nothing."""
        for whole, old in self.before.values():
            whole.copy_(old)
        for generator, state in self.states.values():
            generator.set_state(state)

    def replay(self) -> None:
        """Run all again, on the same memory."""
        for func, args, kwargs, output, fresh in self.entries:
            if torch.Tag.inplace_view in func.tags:  # only a shape changed
                continue
            again = computed(func, args, kwargs)
            for old, new, copied in zip(leaves([output]), leaves([again]), fresh, strict=True):
                if copied:
                    old.copy_(new.reshape(old.shape))


def _storage(t: Tensor) -> int:
    return t.untyped_storage()._cdata


def _written(func, args, kwargs) -> Iterator[Tensor]:
    """Yield the tensors that an operation writes to; batch norms say nothing of two of theirs."""
    hidden = {"running_mean", "running_var"} if "batch_norm" in func._schema.name else set()
    for place, each in enumerate(func._schema.arguments):
        value = args[place] if place < len(args) else kwargs.get(each.name)
        if each.name in hidden or (each.alias_info is not None and each.alias_info.is_write):
            values = value if isinstance(value, list | tuple) else [value]
            yield from (t for t in values if isinstance(t, Tensor))
