"""Forbidden functions before a student's module in this process: what they read, and what fails."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from autograder.checks.faces import Face, ModuleBackend, calls_of
from autograder.checks.failures import CheckStopped, StudentRaised
from autograder.checks.guard import Guard
from autograder.course import Exercise
from autograder.forbidden import Forbidden

X = torch.linspace(-1, 1, 6)
HAND = Forbidden(("activation", "softmax"), "write it with exp and clamp")
GRADIENTS = Forbidden(("autograd",), "derive it on paper")

CONVOLUTIONS = (
    """
    H, W = x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1
    return sum(
        torch.einsum("nchw,oc->nohw", x[:, :, i : i + H, j : j + W], w[:, :, i, j])
        for i in range(w.shape[2]) for j in range(w.shape[3])
    )
    """,
    """
    (N, C, H, W), (O, _, kh, kw) = x.shape, w.shape
    shape = (N, C, H - kh + 1, W - kw + 1, kh, kw)
    windows = x.as_strided(shape, (*x.stride(), *x.stride()[2:]))
    return torch.tensordot(windows, w, ([1, 4, 5], [1, 2, 3])).permute(0, 3, 1, 2)
    """,
    """
    size = (x.shape[2] + w.shape[2], x.shape[3] + w.shape[3])
    spectrum = torch.fft.rfft2(x, s=size), torch.fft.rfft2(w, s=size).conj()
    y = torch.fft.irfft2(torch.einsum("nchw,ochw->nohw", *spectrum), s=size)
    return y[:, :, : x.shape[2] - w.shape[2] + 1, : x.shape[3] - w.shape[3] + 1]
    """,
    """
    (N, C, H, W), (O, _, kh, kw) = x.shape, w.shape
    out = torch.zeros(N, O, H - kh + 1, W - kw + 1, dtype=x.dtype, device=x.device)
    for n in range(N):
        for o in range(O):
            for i in range(H - kh + 1):
                for j in range(W - kw + 1):
                    out[n, o, i, j] = (x[n, :, i : i + kh, j : j + kw] * w[o]).sum()
    return out
    """,
)

Write = Callable[..., Face]


@pytest.fixture
def face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a student's module ``toy_stage.py`` and stand a guarded face before it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "toy_stage", sys)  # put back afterwards

    def write(
        source: str, forbidden: Forbidden = HAND, probes: str | None = None, name: str = "f"
    ) -> Face:
        file = tmp_path / "toy_stage.py"
        file.write_text("import torch\n" + dedent(source))
        if probes:
            (tmp_path / "probes.py").write_text(dedent(probes))
        guard = Guard(Exercise(name, Decimal(1), forbidden=forbidden), file)
        beside = tmp_path / "probes.py" if probes else None
        return Face(ModuleBackend(tmp_path, "toy_stage", beside), guard=guard)

    return write


def stopped(call: Callable[[], object]) -> str:
    """What the student reads of a check that fails with this call."""
    with pytest.raises(CheckStopped) as caught:
        call()
    assert caught.value.outcome == "failed"
    return caught.value.message


class TestTheStudentReads:
    def test_the_function_the_line_and_what_to_do(self, face: Write) -> None:
        student = face("def f(x):\n    return torch.tanh(x) + 1\n")
        assert stopped(lambda: student.f(X)) == (
            "`f` uses torch.tanh (toy_stage.py, line 3: `return torch.tanh(x) + 1`), which is not "
            "allowed in this exercise: write it with exp and clamp"
        )

    def test_the_same_of_a_method(self, face: Write) -> None:
        """Which only the run can see."""
        student = face("def f(x):\n    return x.tanh() + 1\n")
        assert stopped(lambda: student.f(X)) == (
            "`f` uses torch.Tensor.tanh (toy_stage.py, line 3: `return x.tanh() + 1`), which is "
            "not allowed in this exercise: write it with exp and clamp"
        )

    def test_in_which_helper_it_is(self, face: Write) -> None:
        student = face("def _help(x):\n    return x.tanh()\ndef f(x):\n    return _help(x)\n")
        assert stopped(lambda: student.f(X)).startswith(
            "`_help` uses torch.Tensor.tanh (toy_stage.py, line 3:"
        )

    def test_that_a_gradient_is_asked_for(self, face: Write) -> None:
        student = face("def f(x):\n    x.requires_grad = True\n    return x\n", GRADIENTS)
        assert stopped(lambda: student.f(X)).startswith("`f` sets torch.Tensor.requires_grad (")


class TestIsFound:
    @pytest.mark.parametrize(
        "source",
        [
            "def f(x): return getattr(torch, 'ta' + 'nh')(x)",
            "f = getattr(torch, 'ta' + 'nh')",
            "def f(x): return vars(torch)['tanh'](x)",
            "def f(x): return (v.tanh() for v in x)",
            "def f(x): return getattr(x, 'tanh')()",
            "def f(x): return eval('torch.tanh(x)')",
            "def f(x):\n    import torch.nn as n\n    return n.Sequential(n.Tanh())(x)",
            "class f:\n    def __new__(cls, x): return x.tanh()",
        ],
    )
    def test_by_the_run_where_the_source_does_not_tell(self, face: Write, source: str) -> None:
        assert "anh" in stopped(lambda: face(source).f(X))

    def test_by_the_source_where_the_run_does_not_come_by(self, face: Write) -> None:
        student = face("def f(x):\n    return torch.tanh(x) if len(x) > 99 else x\n")
        assert "torch.tanh" in stopped(lambda: student.f(X))

    def test_in_another_module_of_the_submission(self, tmp_path: Path, face: Write) -> None:
        (tmp_path / "toy_helpers.py").write_text("def bend(x):\n    return x.tanh()\n")
        student = face("from toy_helpers import bend\ndef f(x): return bend(x)\n")
        assert "`bend` uses torch.Tensor.tanh (toy_helpers.py, line 2:" in stopped(
            lambda: student.f(X)
        )

    def test_in_the_second_of_two_calls(self, face: Write) -> None:
        source = "n = []\ndef f(x):\n    n.append(1)\n    return x.tanh() if len(n) == 2 else x\n"
        assert "torch.Tensor.tanh" in stopped(lambda: face(source).again.f(X))

    def test_before_an_exception(self, face: Write) -> None:
        student = face("def f(x):\n    x.tanh()\n    return 1 / 0\n")
        assert "torch.Tensor.tanh" in stopped(lambda: student.f(X))

    def test_in_a_class_that_a_probe_drives(self, face: Write) -> None:
        student = face(
            "class f:\n    def go(self, x): return x.tanh()\n",
            probes="def drive(student, x): return student.f().go(x)\n",
        )
        assert "torch.Tensor.tanh" in stopped(lambda: student.probe.drive(X))

    @pytest.mark.parametrize(
        "source",
        [
            "def f(x):\n    x.requires_grad_()\n    (x * x).sum().backward()\n    return x.grad",
            "def f(x):\n    with torch.inference_mode(False):\n"
            "        y = x.clone().requires_grad_()\n        (y * y).sum().backward()\n"
            "    return y.grad",
            "def f(x):\n    g = getattr(torch, 'fu' + 'nc').grad\n"
            "    return g(lambda y: (y * y).sum())(x)",
            "def f(x):\n    j = getattr(torch, 'fu' + 'nc').jvp\n"
            "    return j(lambda y: (y * y).sum(), (x,), (x,))[1]",
        ],
    )
    def test_where_gradients_are_computed_by_hand(self, face: Write, source: str) -> None:
        message = stopped(lambda: face(source, GRADIENTS).f(X))
        assert "derive it on paper" in message

    def test_for_all_checks_of_the_exercise(self, tmp_path: Path, face: Write) -> None:
        """What one check found, the next need not find again."""
        student = face("def f(x):\n    return x.tanh() if len(x) > 6 else x\n")
        assert torch.equal(student.f(X), X)
        first = stopped(lambda: student.f(torch.ones(7)))
        another = Face(ModuleBackend(tmp_path, "toy_stage", None), guard=student._guard)
        assert stopped(lambda: another.f(X)) == first


class TestIsLeftAlone:
    @pytest.mark.parametrize(
        "source",
        [
            "def tanh(x): return 1 - 2 / (torch.exp(2 * x) + 1)\ndef f(x): return tanh(x)",
            "class V:\n    def tanh(self): return 3\ndef f(x): return V().tanh()",
            "def g(x): return torch.tanh(x)\ndef f(x): return x",
            "table = {'softmax': lambda x: x}\ndef f(x): return table['softmax'](x)",
            "import math\ndef f(x): return math.tanh(1.0)",
            "import numpy\ndef f(x): return numpy.tanh(x.numpy())",
            "def f(x): return torch.logsumexp(x, 0) + x.clamp(min=0) + x.clamp_min(0)",
            "torch.tanh(torch.ones(1))\ndef f(x): return x",
        ],
    )
    def test_what_merely_shares_a_name(self, face: Write, source: str) -> None:
        face(source).f(X)

    @pytest.mark.parametrize("body", CONVOLUTIONS, ids=["slices", "strides", "fft", "loops"])
    def test_a_convolution_written_by_hand(self, face: Write, body: str) -> None:
        """In each of the ways that there are; PyTorch's FFT may pad inside of itself."""
        groups = ("nn", "conv", "pooling", "padding", "unfold")
        student = face(f"def f(x, w):\n{body}", Forbidden(groups, "write it"))
        x, w = torch.randn(2, 3, 5, 6), torch.randn(4, 3, 2, 3)
        assert torch.allclose(student.f(x, w), torch.conv2d(x, w), atol=1e-4)

    def test_gradients_derived_by_hand(self, face: Write) -> None:
        """With PyTorch's forward functions, `unfold` and `fold` among them."""
        student = face(
            """
            import torch.nn.functional as F
            def f(dout, x, w):
                O, C, kh, kw = w.shape
                columns, d = F.unfold(x, (kh, kw)), dout.flatten(2)
                dw = torch.einsum("nol,nkl->ok", d, columns).view_as(w)
                dx = F.fold(w.view(O, -1).T @ d, x.shape[2:], (kh, kw))
                with torch.no_grad():
                    return dx, dw, dout.sum((0, 2, 3))
            """,
            GRADIENTS,
        )
        x, w = torch.randn(2, 3, 5, 6, requires_grad=True), torch.randn(4, 3, 2, 3)
        out = torch.conv2d(x, w)
        dx, _, _ = student.f(torch.ones_like(out), x.detach(), w)
        assert torch.allclose(dx, torch.autograd.grad(out.sum(), x)[0], atol=1e-4)

    def test_what_a_probe_calls_itself(self, face: Write) -> None:
        student = face(
            "def f(x): return 2 * x\n",
            probes="import torch\ndef p(student, x): return torch.tanh(student.f(x))\n",
        )
        assert torch.equal(student.probe.p(X), torch.tanh(2 * X))

    def test_a_result_that_is_used_later(self, face: Write) -> None:
        """What comes out of inference mode is a tensor like any other."""
        result = face("def f(x):\n    y = x.clone()\n    y[0] += 1\n    return y\n", GRADIENTS).f(X)
        result += 1
        result.requires_grad_().sum().backward()
        assert result.grad is not None

    def test_a_lazy_result_runs_without_gradients(self, face: Write) -> None:
        student = face("def f(x):\n    yield torch.is_inference_mode_enabled()\n", GRADIENTS)
        assert student.f(X) == [True]
        student = face("def f(x):\n    yield torch.is_inference_mode_enabled()\n")
        assert student.f(X) == [False]

    def test_autograd_where_it_is_not_forbidden(self, face: Write) -> None:
        source = (
            "def f(x):\n    x.requires_grad_()\n    x.exp().sum().backward()\n    return x.grad\n"
        )
        assert torch.allclose(face(source).f(X), X.exp())

    def test_what_cannot_be_imported(self, face: Write) -> None:
        """A missing function and an exception are told as ever."""
        with pytest.raises(CheckStopped, match="`f` is missing"):
            face("").f(X)
        with pytest.raises(StudentRaised, match="division"):
            face("def f(x): return 1 / 0").f(X)


class TestPortable:
    def test_code_that_would_break_fails_with_its_line(self, face: Write) -> None:
        student = face("def f(x):\n    y = torch.zeros(6)\n    return x + y\n", Forbidden())
        message = stopped(lambda: student.portable.f(X))
        assert "would break on a GPU: `add` is given a tensor on the CPU" in message
        assert "at toy_stage.py, line 4, in f:  return x + y" in message

    @pytest.mark.parametrize(
        "line", ["2 * x", "x if x.sum() > 0 else -x", "1 / 0", "x[x > 0]", "len(x)", "x.tolist()"]
    )
    def test_anything_else_passes(self, face: Write, line: str) -> None:
        """Also what can't be decided without data, and what is wrong in another way."""
        assert face(f"def f(x):\n    return {line}\n").portable.f(X) is None

    def test_a_stub_is_missing(self, face: Write) -> None:
        student = face("def f(x):\n    raise NotImplementedError\n")
        with pytest.raises(CheckStopped, match="not implemented yet"):
            student.portable.f(X)

    def test_probes_too(self, face: Write) -> None:
        probes = "def call_f(student, x): return student.f(x)"
        student = face("def f(x):\n    return x + torch.zeros(6)\n", probes=probes)
        message = stopped(lambda: student.probe.portable.call_f(X))
        assert message.startswith("probe.call_f(")
        assert "in f:  return x + torch.zeros(6)" in message

    def test_the_arguments_stay_as_they_are(self, face: Write) -> None:
        """And the call is on record as any other."""
        student = face("def f(x): return x.add_(1)")
        x = torch.zeros(2)
        student.portable.f(x)
        assert x.tolist() == [0, 0]
        assert calls_of(student)[0].call.portable
