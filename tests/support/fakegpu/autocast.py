"""CUDA's rules of automatic precision: the lists of ATen/autocast_mode.h."""

import torch

from tests.support.fakegpu.device import NAME, OnDevice
from tests.support.fakegpu.kernels import leaves, mapped

LOW = (
    "_convolution _convolution.deprecated conv1d conv2d conv2d.padding conv_transpose2d.input "
    "convolution addmm addmv addr matmul mm mv linear addbmm baddbmm bmm _thnn_fused_lstm_cell "
    "lstm_cell scaled_dot_product_attention prelu"
)
HIGH = (
    "exp expm1 log log10 log2 log1p reciprocal rsqrt tan pow.Tensor_Scalar pow.Tensor_Tensor "
    "softplus layer_norm native_layer_norm group_norm nll_loss kl_div l1_loss smooth_l1_loss "
    "huber_loss mse_loss binary_cross_entropy_with_logits dist pdist cdist logsumexp prod "
    "softmax.int log_softmax.int cumprod cumsum linalg_vector_norm sum sum.dim_IntList "
    "norm.Scalar norm.ScalarOpt_dim"
)
WIDEST = "addcdiv addcmul atan2 bilinear cross dot vdot index_put tensordot scatter_add cat stack"
KEYS = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)
FALLTHROUGH = torch.library.Library("_", "IMPL", "AutocastPrivateUse1")
FALLTHROUGH.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
LIBRARY = torch.library.Library("aten", "IMPL", "AutocastPrivateUse1")


def _casting(op, policy: str):
    def kernel(*args, **kwargs):
        with torch._C._ExcludeDispatchKeyGuard(KEYS):
            kinds = {t.dtype for t in leaves([*args, *kwargs.values()]) if isinstance(t, OnDevice)}
            widest = torch.float32 if torch.float32 in kinds else None
            to = {"low": torch.get_autocast_dtype(NAME), "high": torch.float32}.get(policy, widest)

            def cast(t):
                able = isinstance(t, OnDevice) and t.is_floating_point() and to is not None
                return t.to(to) if able and t.dtype not in (to, torch.float64) else t

            cast_kwargs = {key: mapped(cast, value) for key, value in kwargs.items()}
            return op(*mapped(cast, args), **cast_kwargs)

    return kernel


for policy, names in {"low": LOW, "high": HIGH, "widest": WIDEST}.items():
    for name in names.split():
        base, _, overload = name.partition(".")
        op = getattr(getattr(torch.ops.aten, base), overload or "default")
        LIBRARY.impl(name, _casting(op, policy))
