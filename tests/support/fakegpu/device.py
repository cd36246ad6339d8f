"""The device: its tensors, its generators, and the rules that hold for both."""

import hashlib
import traceback
from collections import Counter

import torch
from torch import Tensor
from torch.optim.optimizer import _foreach_supported_types
from torch.utils import _mode_utils
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

from tests.support.fakegpu.kernels import computed, leaves, mapped
from tests.support.fakegpu.tape import Tape

NAME = "fakegpu"
COUNT = 2
CPU = torch.device("cpu")
RealGenerator = torch._C.Generator
READS = {  # the host must know what is on the device
    "_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "equal",
    "unique_consecutive", "is_nonzero", "bincount", "multinomial", "_linalg_eigh", "_linalg_svd",
    "_linalg_solve_ex", "linalg_cholesky_ex", "histc", "repeat_interleave.Tensor",
}  # fmt: skip
SCALARS = {  # here a CPU tensor without dimensions may stand for a number
    "add", "sub", "rsub", "mul", "div", "pow", "maximum", "minimum", "where", "lt", "le", "gt",
    "ge", "eq", "ne", "remainder", "atan2", "add_", "sub_", "mul_", "div_", "xlogy",
}  # fmt: skip
INDEXED = {"index", "index_put", "index_put_", "_unsafe_index", "_index_put_impl_"}
COPIES = {"copy_", "_foreach_copy_"}
DRAWS = (
    "rand", "randn", "randint", "randperm", "bernoulli", "normal", "uniform", "multinomial",
    "dropout", "exponential", "random",
)  # fmt: skip


class _Module(_DummyBackendModule):
    """torch.fakegpu."""

    def _lazy_init(self) -> None:
        """Nothing has to begin."""

    def device_count(self) -> int:
        return COUNT

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


_setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
DEVICE, SECOND = (torch.device(NAME, index) for index in range(COUNT))


class NotCapturableError(RuntimeError):
    """What a CUDA graph cannot hold."""


class OnDevice(Tensor):
    """What lies on the device."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: Tensor, device: torch.device = DEVICE) -> "OnDevice":
        wrapper = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=device,
        )
        wrapper.inner = inner
        return wrapper

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError(f"{func} where there is no fake GPU")

    def tolist(self) -> list:
        return self.cpu().tolist()

    def __repr__(self) -> str:
        return f"OnDevice({self.inner})"


_foreach_supported_types.append(OnDevice)  # optimizers take all weights at once, as on CUDA


class _Kind(type(RealGenerator)):
    """A type that a module which is imported meanwhile may take for torch.Generator."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RealGenerator)


class Generator(RealGenerator, metaclass=_Kind):
    """A generator that knows its device; it draws the CPU's numbers.

    Its state is as short as that of a CUDA generator: it stands for one of the CPU's.
    """

    homes: dict[int, torch.device] = {}
    states: dict[bytes, Tensor] = {}
    alive: list["Generator"] = []  # so that no address stands for two

    def __new__(cls, device="cpu"):
        new = super().__new__(cls, "cpu")
        asked = torch.device(device)
        new.home = torch.device(NAME, asked.index or 0) if asked.type == NAME else asked
        cls.homes[new._cdata] = new.home
        cls.alive.append(new)
        return new

    def __init__(self, device="cpu") -> None: ...

    @property
    def device(self) -> torch.device:
        return self.home

    def get_state(self) -> Tensor:
        state = super().get_state()
        if self.home == CPU:
            return state
        short = hashlib.sha256(state.numpy().tobytes()).digest()[:16]
        self.states[short] = state
        return torch.tensor(list(short), dtype=torch.uint8)

    def set_state(self, state: Tensor) -> "Generator":
        if self.home == CPU:
            return super().set_state(state)
        if len(state) != 16:
            raise RuntimeError("RNG state is wrong size")
        return super().set_state(self.states[bytes(state.tolist())])

    def clone_state(self) -> "Generator":
        clone = Generator(self.home)
        clone.set_state(self.get_state())
        return clone

    def graphsafe_set_state(self, state: "Generator") -> "Generator":
        self.set_state(state.get_state())
        return self


class FakeGPU(TorchDispatchMode):
    """While it is on, the device is there.

    Attributes:
        tape: of the graph that is captured, if one is.
        registered: the generators that this graph knows.
        capturing: the device whose stream is captured.
        current: the device that CUDA calls current.
        copied_from: the device of the last copy to the host that nobody waited for.
        syncs: how often the host waited for the device or sent it something, by genlib's line.
        hidden: draws without a generator.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return that nothing here needs the compiler, which takes seconds to import."""
        return False

    def __init__(self) -> None:
        super().__init__()
        self.tape: Tape | None = None
        self.registered: set[int] = set()
        self.capturing = self.current = DEVICE
        self.copied_from: torch.device | None = None
        self.syncs, self.hidden = Counter[str](), Counter[str]()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        values = [*leaves(args), *leaves(kwargs.values())]
        gpu = [t for t in values if isinstance(t, OnDevice)]
        cpu = [t for t in values if isinstance(t, Tensor) and not isinstance(t, OnDevice)]
        name, home = func._schema.name.removeprefix("aten::"), self._home(func, gpu, args, kwargs)
        self._check_operands(func, name, home, gpu, cpu)
        if name == "index" and any(t.dtype == torch.bool for t in gpu[1:]):
            self._sync(f"{func} by a mask")
        unawaited = kwargs.get("non_blocking") or (name == "copy_" and True in args[2:])
        if unawaited and gpu and home == CPU:
            self.copied_from = gpu[0].device
        self._check_draw(func, name, values, home)
        if kwargs.get("device") is not None:
            kwargs["device"] = CPU
        kwargs.pop("pin_memory", None)
        unwrapped = mapped(_inner, args), {key: mapped(_inner, kwargs[key]) for key in kwargs}
        if self.tape is not None and (gpu or home != CPU):
            self._check_stream(func, home if home != CPU else gpu[0].device)
            output = self.tape.record(func, *unwrapped)
        else:
            output = computed(func, *unwrapped)
        if gpu and torch.Tag.inplace_view in func.tags:
            _reshape(func, args, kwargs)
        same = {id(t.inner): t for t in gpu}

        def wrapped(t):
            if not isinstance(t, Tensor) or home == CPU:
                return same.get(id(t), t)
            return same[id(t)] if id(t) in same else OnDevice(t, home)

        return mapped(wrapped, output)

    def _home(self, func, gpu: list[OnDevice], args, kwargs) -> torch.device:
        """Return where the result lies."""
        if func._schema.name.removeprefix("aten::") in COPIES:
            target = next(leaves(args))
            return target.device if isinstance(target, OnDevice) else CPU
        if kwargs.get("device") is None:
            return gpu[0].device if gpu else CPU
        asked = torch.device(kwargs["device"])
        if asked.type != NAME:
            return CPU
        return self.current if asked.index is None else asked

    def _check_operands(self, func, name: str, home: torch.device, gpu: list, cpu: list) -> None:
        """Refuse operands on two devices, and note where the host waits."""
        if name in COPIES or name == "_to_copy":
            if (cpu and home != CPU) or (gpu and home == CPU):
                self._sync(f"{func} between host and device")
        elif gpu and cpu:
            self._check_mixed(func, name, cpu)
        elif len({t.device for t in gpu}) > 1:
            raise RuntimeError(f"Expected all tensors to be on the same device (in {func})")
        if gpu and (name in READS or str(func).removeprefix("aten.") in READS):
            self._sync(str(func))

    def _check_mixed(self, func, name: str, cpu: list[Tensor]) -> None:
        if name in INDEXED:
            self._sync(f"{func} by an index on the host")
        elif not all(t.ndim == 0 for t in cpu) or name.removeprefix("_foreach_") not in SCALARS:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{DEVICE} and cpu! (in {func}, {[tuple(t.shape) for t in cpu]} on the cpu)"
            )

    def _check_draw(self, func, name: str, values: list, home: torch.device) -> None:
        generators = [each for each in values if isinstance(each, RealGenerator)]
        for each in generators:
            own = Generator.homes.get(each._cdata, CPU)
            if own != home:
                raise RuntimeError(
                    f"Expected a '{home}' device type for generator but found '{own}' ({func})"
                )
            if self.tape is not None and home != CPU and each._cdata not in self.registered:
                raise NotCapturableError(f"{func} draws from a generator unknown to the graph")
        drawn = name.rstrip("_").removesuffix("_like").startswith(DRAWS)
        if home != CPU and not generators and drawn:
            self.hidden[_line()] += 1

    def _check_stream(self, func, home: torch.device) -> None:
        if home != self.capturing:
            raise NotCapturableError(f"{func} on {home}, but a stream of {self.capturing} records")

    def _sync(self, reason: str) -> None:
        if self.tape is not None:
            raise NotCapturableError(f"operation not permitted when stream is capturing: {reason}")
        self.syncs[_line()] += 1


def _inner(value):
    return value.inner if isinstance(value, OnDevice) else value


def _line() -> str:
    """Return the line of genlib that is at work."""
    for frame in reversed(traceback.extract_stack()):
        if "/genlib/" in frame.filename and "/tests/" not in frame.filename:
            return f"{frame.filename.rpartition('/genlib/')[2]}:{frame.lineno}"
    return "elsewhere"


def _reshape(func, args, kwargs) -> None:
    """Do to a wrapper's shape what an operation did to that of what it wraps."""
    with _mode_utils.no_dispatch():
        before = torch._C._meta_in_tls_dispatch_include()
        torch._C._set_meta_in_tls_dispatch_include(True)
        try:
            func(*args, **kwargs)
        finally:
            torch._C._set_meta_in_tls_dispatch_include(before)
