"""What an exercise forbids, in the words of its ``assignment.toml``.

    [forbidden]
    calls = ["conv", "pooling", "torch.nn.functional.linear"]
    instead = "write it with slicing, einsum or matmul"

A word is one of `GROUPS`, a dotted name is meant as it is; a ``*`` in it stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_*][\w*]*)+")


# TorchScript runs outside of Python, where nothing of what it calls would be seen
_UNSEEN = ("torch.jit.*", "torch._C.CompilationUnit", "torch._C.DisableTorchFunction*")


class Group(msgspec.Struct, frozen=True):
    """Some of PyTorch's operators under one name.

    Args:
        operators: names that an operator has wherever it is found: ``relu`` is ``torch.relu``,
            ``F.relu``, ``x.relu()``, ``x.relu_()`` and ``torch.ops.aten.relu``.
        names: what is no operator, as dotted names: modules and their classes.
    """

    operators: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def _group(operators: str, names: str = "") -> Group:
    return Group(tuple(operators.split()), tuple(names.split()))


GROUPS: dict[str, Group] = {
    "conv": _group("*conv[123_]* *convolution*", "torch.nn.*Conv*"),
    "pooling": _group("*pool[123]d*", "torch.nn.*[Pp]ool*"),
    "padding": _group("pad *_pad[123]d _pad_* constant_pad_nd pad_sequence", "torch.nn.*Pad[123]d"),
    "unfold": _group(
        "unfold unfold_copy fold im2col col2im",
        "torch.nn.Unfold torch.nn.Fold torch.nn.modules.fold.*",
    ),
    "activation": _group(
        "relu relu6 leaky_relu prelu _prelu_kernel rrelu rrelu_with_noise elu selu celu gelu silu "
        "mish sigmoid expit log_sigmoid logsigmoid log_sigmoid_forward hardsigmoid hardswish "
        "hardtanh hardshrink softshrink softplus softsign tanh tanhshrink threshold _threshold glu",
        "torch.nn.*ReLU torch.nn.ReLU6 torch.nn.*ELU torch.nn.SiLU torch.nn.Mish torch.nn.*igmoid "
        "torch.nn.Hard* torch.nn.Softshrink torch.nn.Softplus torch.nn.Softsign torch.nn.Tanh* "
        "torch.nn.Threshold torch.nn.GLU torch.nn.modules.activation.*",
    ),
    "softmax": _group(
        "softmax _softmax _safe_softmax log_softmax _log_softmax softmin gumbel_softmax "
        "scaled_dot_product_attention",
        "torch.nn.*oft[Mm]ax* torch.nn.Softmin torch.sparse.*softmax torch.masked.*soft*",
    ),
    "loss": _group("*_loss *_loss_* *_loss[123]d* *cross_entropy* kl_div", "torch.nn.*Loss*"),
    "normalization": _group(
        "*batch_norm* *layer_norm* *group_norm* *instance_norm* *rms_norm* local_response_norm",
        "torch.nn.*Norm*",
    ),
    "dropout": _group("*dropout*", "torch.nn.*Dropout*"),
    "optim": _group("_fused_ada* _fused_sgd", "torch.optim torch.optim.*"),
    "autograd": _group(
        "backward *_backward* requires_grad retain_grad register_hook _make_dual _unpack_dual",
        "torch.autograd torch.autograd.* torch.func torch.func.* torch._functorch.* "
        "torch.enable_grad torch.nn.grad torch.nn.grad.* functorch functorch.*",
    ),
    "nn": _group("", "torch.nn torch.nn.*"),
}


class Forbidden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stage or one of its exercises forbids, and what to do instead."""

    calls: tuple[str, ...] = ()
    instead: str = ""

    def __post_init__(self) -> None:
        for name in self.calls:
            if name not in GROUPS and not _DOTTED.fullmatch(name):
                raise ValueError(
                    f"`calls` has {name!r}, which is neither a dotted name such as "
                    f"`torch.nn.functional.pad` nor one of {', '.join(sorted(GROUPS))}"
                )

    def __bool__(self) -> bool:
        return bool(self.calls)

    def __or__(self, other: Forbidden) -> Forbidden:
        """This and what `other` forbids; the words of `other`, where it has any."""
        return Forbidden(
            tuple(dict.fromkeys((*self.calls, *other.calls))), other.instead or self.instead
        )

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of all groups that are forbidden."""
        return _joined(GROUPS[name].operators for name in self.calls if name in GROUPS)

    @property
    def names(self) -> tuple[str, ...]:
        """The dotted names that are forbidden, those of the groups among them."""
        named = [GROUPS[name].names if name in GROUPS else (name,) for name in self.calls]
        return _joined([*named, _UNSEEN]) if named else ()

    @property
    def autograd(self) -> bool:
        """Whether gradients are to be computed by hand."""
        return "autograd" in self.calls


def _joined(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))
