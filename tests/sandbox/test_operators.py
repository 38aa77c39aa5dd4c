"""Which calls of PyTorch's functions are noted, and from which line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from autograder.forbidden import Forbidden
from autograder.sandbox.operators import Names, Watch, full_name, operator_of

HERE = __file__
X = torch.linspace(-1, 1, 72).reshape(1, 2, 6, 6)
W = torch.ones(3, 2, 3, 3)
Z = torch.linspace(-1, 1, 20).reshape(4, 5)
T = torch.tensor([0, 1, 2, 3])
HAND = ("conv", "pooling", "padding", "unfold")
STABLE = ("activation", "softmax", "loss")


def names_of(*groups: str) -> Names:
    forbidden = Forbidden(groups, "x")
    return Names(forbidden.operators, forbidden.names)


def noted(groups: tuple[str, ...], call: Callable[[], Any], inference: bool = False) -> list[str]:
    """The names of what is noted during a call."""
    with torch.inference_mode(inference), Watch(names_of(*groups), HERE) as watch:
        try:
            call()
        except RuntimeError:
            assert inference  # what asks for a gradient there is refused
    return [use.name for use in watch.uses]


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "torch.relu",
            "torch.relu_",
            "torch.nn.functional.relu",
            "torch.Tensor.relu_",
            "torch.ops.aten.relu",
            "torch.ops.aten.relu.default",
            "torch._C._nn.relu",
        ],
    )
    def test_of_an_operator_are_many(self, name: str) -> None:
        """One name forbids all the others."""
        assert operator_of(name) == "relu"
        assert name in Names(["relu"], [])
        assert name in Names([], ["torch.relu"])
        assert name in Names([], ["torch.nn.functional.relu"])
        assert name not in Names(["relu6"], ["torch.nn.ReLU"])

    @pytest.mark.parametrize(
        "name", ["torch.linalg.norm", "numpy.pad", "mine.relu", "torch.nn.init.normal_", "relu"]
    )
    def test_of_no_operator_stand_for_themselves(self, name: str) -> None:
        assert operator_of(name) is None
        assert name in Names([], [name])
        assert name not in Names([name.rpartition(".")[2].rstrip("_")], [])

    def test_without_any_forbid_nothing(self) -> None:
        assert "" not in Names([], [])
        assert "torch.relu" not in Names([], [])

    @pytest.mark.parametrize(
        ("function", "name"),
        [
            (torch.conv2d, "torch.conv2d"),
            (F.avg_pool2d, "torch.nn.functional.avg_pool2d"),
            (F.pad, "torch.nn.functional.pad"),
            (torch.special.expit, "torch.special.expit"),
            (torch.Tensor.relu, "torch.Tensor.relu"),
            (torch.Tensor.backward, "torch.Tensor.backward"),
            (torch.ops.aten.relu.default, "torch.ops.aten.relu.default"),
            (torch.Tensor.requires_grad.__set__, "torch.Tensor.requires_grad"),
            (torch.Tensor.requires_grad.__get__, None),
        ],
    )
    def test_are_as_a_student_would_import_them(self, function: Any, name: str | None) -> None:
        assert full_name(function) == name


class TestWatch:
    @pytest.mark.parametrize(
        "call",
        [
            lambda: F.conv2d(X, W),
            lambda: torch.conv2d(X, W),
            lambda: torch.conv1d(X[:, :, 0], W[:, :, 0]),
            lambda: F.conv_transpose2d(X, torch.ones(2, 3, 3, 3)),
            lambda: torch.nn.Conv2d(2, 3, 3)(X),
            lambda: torch.ops.aten.conv2d(X, W),
            lambda: torch.ops.aten.convolution(
                X, W, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1
            ),
            lambda: torch._C._VariableFunctions.conv2d(X, W),
            lambda: torch.mkldnn_convolution(X, W, None, [0, 0], [1, 1], [1, 1], 1),
            lambda: F.pad(X, (1, 1)),
            lambda: F.pad(X, (1, 1, 1, 1), mode="circular"),
            lambda: torch.constant_pad_nd(X, (1, 1)),
            lambda: torch.nn.ZeroPad2d(1)(X),
            lambda: F.max_pool2d(X, 2),
            lambda: F.max_pool2d(X, 2, return_indices=True),
            lambda: F.avg_pool2d(X, 2),
            lambda: F.adaptive_avg_pool2d(X, 1),
            lambda: torch.max_pool1d(X[0], 2),
            lambda: F.unfold(X, 2),
            lambda: X.unfold(2, 2, 1),
            lambda: torch.vmap(lambda x: x.unfold(1, 2, 1))(X),
        ],
    )
    def test_sees_a_convolution_under_every_alias(self, call: Callable[[], Any]) -> None:
        """And pooling, padding, unfolding; in inference mode as well."""
        assert noted(HAND, call)
        assert noted(HAND, call, inference=True)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: torch.einsum("nchw,ocij->no", X, W),
            lambda: X.as_strided((1, 2, 4, 4, 3, 3), (72, 36, 6, 1, 6, 1)),
            lambda: torch.fft.irfft2(torch.fft.rfft2(X, s=(9, 9)) * 2),  # pads inside of PyTorch
            lambda: (X[:, :, 1:] + X[:, :, :-1]).amax((2, 3)),
            lambda: torch.full((2, 2), -torch.inf).index_put_((T[:2], T[:2]), torch.ones(2)),
            lambda: torch.nn.functional.one_hot(T),
            lambda: torch.distributions.Normal(0.0, 1.0).log_prob(Z),
        ],
    )
    def test_says_nothing_of_what_is_fine_in_a_convolution(self, call: Callable[[], Any]) -> None:
        assert not noted(HAND, call)
        assert not noted(HAND, call, inference=True)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: Z.relu(),
            lambda: Z.clone().relu_(),
            lambda: F.relu6(Z),
            lambda: F.leaky_relu(Z),
            lambda: F.threshold(Z, 0, 0),
            lambda: Z.sigmoid(),
            lambda: torch.special.expit(Z),
            lambda: F.logsigmoid(Z),
            lambda: F.softplus(Z),
            lambda: F.softsign(Z),
            lambda: torch.tanh(Z),
            lambda: Z.softmax(0),
            lambda: torch.special.log_softmax(Z, 0),
            lambda: torch.ops.aten._softmax(Z, 0, False),
            lambda: torch.nn.Softmin(0)(Z),
            lambda: torch.distributions.Bernoulli(logits=Z).probs,
            lambda: F.cross_entropy(Z, T),
            lambda: F.nll_loss(Z, T),
            lambda: F.l1_loss(Z, Z),
            lambda: F.kl_div(Z, Z, reduction="sum"),
            lambda: torch.nn.MSELoss()(Z, Z),
            lambda: F.binary_cross_entropy_with_logits(Z, Z),
        ],
    )
    def test_sees_activations_and_losses(self, call: Callable[[], Any]) -> None:
        """Those of which nothing is left in PyTorch's kernels, too."""
        assert noted(STABLE, call)
        assert noted(STABLE, call, inference=True)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: torch.logsumexp(Z, 0),
            lambda: Z.clamp(min=0) + Z.clamp_min(0) + torch.maximum(Z, torch.zeros(())),
            lambda: torch.where(Z > 0, Z, 0.01 * Z),
            lambda: torch.log1p(torch.exp(-Z.abs())) + torch.expm1(Z),
            lambda: -Z.gather(1, T[:, None]).mean(),
            lambda: F.linear(Z, Z),
        ],
    )
    def test_says_nothing_of_exp_log_and_clamp(self, call: Callable[[], Any]) -> None:
        assert not noted(STABLE, call)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: (Z.clone().requires_grad_() * 2).sum().backward(),
            lambda: torch.autograd.grad(Z.sum(), Z),
            lambda: torch.autograd.backward(Z.sum()),
            lambda: torch.func.grad(lambda z: (z * z).sum())(Z),
            lambda: torch.func.vjp(lambda z: z * z, Z)[1](Z),
            lambda: torch.func.jvp(lambda z: z * z, (Z,), (Z,)),
            lambda: torch.autograd.functional.jacobian(lambda z: z * z, Z[0]),
            lambda: torch.func.jacfwd(lambda z: z * z)(Z[0]),
            lambda: torch.tensor([1.0], requires_grad=True),
            lambda: setattr(Z.clone(), "requires_grad", True),
            lambda: torch.ops.aten.threshold_backward(Z, Z, 0),
            lambda: torch.nn.grad.conv2d_input(X.shape, W, torch.ones(1, 3, 4, 4)),
        ],
    )
    def test_sees_autograd(self, call: Callable[[], Any]) -> None:
        """In inference mode, in which such code is run."""
        assert noted(("autograd",), call, inference=True)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: F.fold(F.unfold(X, 2), (6, 6), 2),
            lambda: F.conv2d(X, W),
            lambda: Z.requires_grad,
            lambda: setattr(Z.clone(), "requires_grad", False),
            lambda: torch.zeros(3, requires_grad=False),
            lambda: Z.detach().clone().data.mul_(2),
            lambda: torch.no_grad()(lambda: Z * 2)(),
        ],
    )
    def test_says_nothing_of_forward_functions(self, call: Callable[[], Any]) -> None:
        assert not noted(("autograd",), call, inference=True)

    def test_says_nothing_of_an_object_that_is_no_tensor(self) -> None:
        """A method's name is nobody's property."""

        class Mine:
            def relu(self) -> float:
                return max(0.0, float(Z.sum()))

            softmax = backward = conv2d = relu

        def call() -> None:
            Mine().relu(), Mine().softmax(), Mine().backward(), Mine().conv2d()

        assert not noted((*HAND, *STABLE, "autograd"), call)

    def test_knows_the_line(self) -> None:
        """Once for each line, however often it runs."""
        with Watch(names_of(*HAND), HERE) as watch:
            for _ in range(3):
                F.pad(X, (1, 1))
            torch.conv2d(X, W)
        first, second = watch.uses
        assert (first.name, second.name) == ("torch.nn.functional.pad", "torch.conv2d")
        assert first.line < second.line
        assert first.code is not None
        assert first.code.co_filename == HERE

    def test_minds_only_the_students_code(self) -> None:
        """A probe, or the grader itself, may call what it likes; `alone` is the exception."""
        with Watch(names_of(*HAND), "/nowhere/") as watch:
            F.pad(X, (1, 1))
        assert not watch.uses
        watch.alone = True
        with watch:
            F.pad(X, (1, 1))
        assert [(use.code, use.line) for use in watch.uses] == [(None, 0)]

    def test_changes_no_result(self) -> None:
        with Watch(names_of("nn"), HERE):
            inside = F.conv2d(X, W, padding=1, groups=1)
        assert torch.equal(inside, F.conv2d(X, W, padding=1))
