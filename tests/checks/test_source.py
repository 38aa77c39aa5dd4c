"""What a look at a student's source finds, and what it leaves alone."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from autograder.checks.source import MAX_SOURCE, Finding, Source, TooLargeError
from autograder.forbidden import Forbidden
from autograder.sandbox.operators import Names

FORBIDDEN = Forbidden(
    ("conv", "pooling", "padding", "unfold", "softmax", "activation", "autograd"), "x"
)
NAMES = Names(FORBIDDEN.operators, FORBIDDEN.names)


def find(source: str, *starts: str) -> list[Finding]:
    return Source(dedent(source).encode()).find(starts or ("f",), NAMES)


def names(source: str, *starts: str) -> list[str]:
    return [finding.name for finding in find(source, *starts)]


class TestFinds:
    @pytest.mark.parametrize(
        ("imports", "call", "name"),
        [
            ("import torch", "torch.conv2d(x)", "torch.conv2d"),
            ("import torch", "torch.nn.functional.pad(x)", "torch.nn.functional.pad"),
            ("import torch.nn.functional as F", "F.pad(x)", "torch.nn.functional.pad"),
            ("import torch.nn.functional", "torch.nn.functional.pad(x)", "torch.nn.functional.pad"),
            ("from torch import nn", "nn.Conv2d(1, 1, 1)(x)", "torch.nn.Conv2d"),
            ("from torch import nn", "nn.functional.pad(x)", "torch.nn.functional.pad"),
            ("from torch.nn import functional as fn", "fn.pad(x)", "torch.nn.functional.pad"),
            (
                "from torch.nn.functional import conv2d as c",
                "c(x)",
                "torch.nn.functional.conv2d",
            ),
            (
                "from torch.nn.functional import *",
                "max_pool2d(x)",
                "torch.nn.functional.max_pool2d",
            ),
            ("import torch", "torch.special.expit(x)", "torch.special.expit"),
            ("import torch", "torch.Tensor.relu(x)", "torch.Tensor.relu"),
            ("import torch", "torch.ops.aten.relu.default(x)", "torch.ops.aten.relu.default"),
            ("import torch as t", "t.relu_(x)", "torch.relu_"),
            ("import torch", 'getattr(torch, "conv2d")(x)', "torch.conv2d"),
            ("import torch", 'getattr(torch.nn, "functional").pad(x)', "torch.nn.functional.pad"),
            ("import importlib", 'importlib.import_module("torch").relu(x)', "torch.relu"),
            ("", '__import__("torch").nn.functional.pad(x)', "torch.nn.functional.pad"),
            ("import torch\nF = torch.nn.functional", "F.pad(x)", "torch.nn.functional.pad"),
            ("import torch\nc = torch.conv2d\nd = c", "d(x)", "torch.conv2d"),
            ("import torch", "map(torch.relu, x)", "torch.relu"),
            ("import torch", "(lambda y: torch.relu(y))(x)", "torch.relu"),
            ("import torch", "[torch.relu(y) for y in x]", "torch.relu"),
            ("import torch", 'f"{torch.relu(x)}"', "torch.relu"),
            ("import torch", "torch.autograd.grad(x, x)", "torch.autograd.grad"),
            ("from torch import autograd as ag", "ag.grad(x, x)", "torch.autograd.grad"),
            ("from torch.func import grad", "grad(x)", "torch.func.grad"),
            ("import torch", "torch.ones(3, requires_grad=True)", "torch.Tensor.requires_grad"),
            ("import torch", "torch.jit.script(x)", "torch.jit.script"),
            ("try:\n    import torch as t\nexcept ImportError:\n    t = 0", "t.relu(x)", None),
            ("if True:\n    import torch as t", "t.relu(x)", "torch.relu"),
        ],
    )
    def test_a_name_however_it_was_imported(
        self, imports: str, call: str, name: str | None
    ) -> None:
        """Of several bindings of one name the last counts."""
        source = f"{imports}\ndef f(x):\n    return {call}\n"
        assert names(source) == ([name] if name else [])

    def test_the_line_and_its_text(self) -> None:
        (finding,) = find(
            "import torch\n\ndef f(x):\n    y = x + 1\n    return torch.relu(y)  # !\n"
        )
        assert finding == Finding("torch.relu", "f", 5, "return torch.relu(y)  # !")

    def test_imports_inside_a_function(self) -> None:
        assert names("def f(x):\n    import torch.nn.functional as F\n    return F.pad(x)\n") == [
            "torch.nn.functional.pad"
        ]

    def test_an_alias_inside_a_function(self) -> None:
        source = "import torch\ndef f(x):\n    nn = torch.nn\n    return nn.Conv2d(1, 1, 1)(x)\n"
        assert names(source) == ["torch.nn.Conv2d"]

    @pytest.mark.parametrize(
        "source",
        [
            "import torch\ndef _help(x): return torch.relu(x)\ndef f(x): return _help(x)\n",
            "import torch\ndef f(x): return _a(x)\ndef _a(x): return _b(x)\n"
            "def _b(x): return torch.relu(x) if x else _a(x)\n",
            "import torch\nclass Help:\n    def go(self, x): return torch.relu(x)\n"
            "def f(x): return Help().go(x)\n",
            "import torch\nTABLE = {'relu': torch.relu}\ndef f(x): return TABLE['relu'](x)\n",
            "import torch\ndef f(x, act=torch.relu): return act(x)\n",
            "import torch\ndef deco(g): return lambda x: torch.relu(g(x))\n@deco\ndef f(x): pass\n",
            "import torch\nf = torch.relu\n",
            "from torch import relu as f\n",
            "import torch\nf = lambda x: torch.relu(x)\n",
            "import torch\ndef f(x):\n    def own(y): return torch.relu(y)\n    return own(x)\n",
            "import torch\nclass f:\n    act = torch.relu\n    def __call__(self, x): return x\n",
            "import torch\nclass Base:\n    def go(self, x): return torch.relu(x)\n"
            "class f(Base): pass\n",
        ],
    )
    def test_what_is_reached_through_helpers(self, source: str) -> None:
        assert names(source) == ["torch.relu"]

    def test_the_nearest_first(self) -> None:
        source = """
            import torch
            def _help(x): return torch.tanh(x)
            def f(x):
                y = _help(x)
                return torch.relu(y)
            """
        assert [(f.name, f.function) for f in find(source)] == [
            ("torch.relu", "f"),
            ("torch.tanh", "_help"),
        ]


class TestLeavesAlone:
    @pytest.mark.parametrize(
        "source",
        [
            "def conv2d(x): return x\ndef f(x): return conv2d(x)\n",
            "def softmax(x): return x\ndef f(x): return softmax(x).relu()\n",
            "def f(x): return x.softmax(0).relu().unfold(1, 2, 3)\n",
            "def f(x):\n    def relu(y): return y\n    return relu(x)\n",
            "def f(x): return conv2d(x)\n",
            "import torch\n",
            "import torch\ndef g(x): return torch.relu(x)\ndef f(x): return x\n",
            "import torch.nn.functional as F\ndef f(x): return F.one_hot(x)\n",
            "import torch\ndef f(x):\n    'Like torch.relu'\n    return x # torch.relu\n",
            "import torch\ndef f(x): return 'torch.relu(x)'\n",
            "import torch\nfrom torch import nn\ndef f(x: nn.ReLU) -> torch.nn.Conv2d:\n"
            "    y: nn.Tanh = x\n    return y\n",
            "from torch import relu\ndef relu(x): return x\ndef f(x): return relu(x)\n",
            "from torch.nn.functional import *\ndef relu(x): return x\ndef f(x): return relu(x)\n",
            "import torch.nn.functional as F\ndef f(x, F): return F.relu(x)\n",
            "import torch.nn.functional as F\ndef f(x):\n    F = x\n    return F.relu(x)\n",
            "import torch.nn.functional as F\ndef f(x):\n    for F in x: F.relu()\n",
            "import torch.nn.functional as F\ndef f(x): return [F.relu() for F in x]\n",
            "from torch import relu\ndef f(x):\n    relu = x\n    return relu\n",
            "import mylib\nfrom mylib import relu\ndef f(x): return mylib.relu(relu(x))\n",
            "from . import relu\nfrom .torch import conv2d\ndef f(x): return relu(conv2d(x))\n",
            "import numpy as np\ndef f(x): return np.pad(np.tanh(x), 1)\n",
            "import torch\ndef f(x): return torch.ones(3, requires_grad=False)\n",
            "def tensor(x, requires_grad=False): return x\n"
            "def f(x): return tensor(x, requires_grad=True)\n",
            "class Own:\n    def backward(self): return 1\ndef f(x): return Own().backward()\n",
            "import torch\nclass f(torch.nn.Module):\n    def relu(self): return self.relu()\n",
            "import torch\nif __name__ == '__main__':\n    torch.relu(1)\ndef f(x): return x\n",
            "import torch\ndef f(x):\n    with torch.no_grad(): return x.relu\n",
            "def f(x:\n",
            "",
        ],
    )
    def test_what_is_the_students_own(self, source: str) -> None:
        assert names(source) == []

    @pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"x = '\0'", b"# coding: nonsense\n"])
    def test_what_is_no_python(self, data: bytes) -> None:
        """Whoever imports it says so."""
        assert Source(data).find(["f"], NAMES) == []

    def test_what_another_exercise_does(self) -> None:
        source = "import torch\ndef f(x): return x\ndef g(x): return torch.relu(x)\n"
        assert names(source, "f") == []
        assert names(source, "g") == ["torch.relu"]


class TestIsBounded:
    def test_in_size(self) -> None:
        assert Source(b"#" * MAX_SOURCE).find(["f"], NAMES) == []
        with pytest.raises(TooLargeError, match="larger than"):
            Source(b"#" * (MAX_SOURCE + 1))

    @pytest.mark.parametrize(
        "source",
        [
            "f = -" + "-" * 90_000 + "1",
            "f = a" + ".a" * 45_000,
            "f = x" + "()" * 45_000,
            "f = " + "lambda:" * 700 + "1",
        ],
    )
    def test_in_depth(self, source: str) -> None:
        """No stack overflows."""
        with pytest.raises(TooLargeError, match="nested"):
            Source(source.encode()).find(["f"], NAMES)

    @pytest.mark.parametrize(
        "source",
        [
            "import torch\nf = [" + "torch.relu," * 8_000 + "]",
            "f = [" + ("a" + ".a" * 150 + ",") * 300 + "]",
            "import torch as a\nf = [" + ("a" + ".a" * 150 + ",") * 300 + "]",
            "def f():\n x = " + ("g(" * 60 + ")" * 60 + ";") * 500,
            "".join(f"def f{i}(): return f{i + 1}()\n" for i in range(3_000)) + "f = f0",
            "def f(): return [" + ",".join(f"f{i}" for i in range(9_000)) + "]",
            "f = " + "lambda:" * 90 + ",".join(["a"] * 30_000),
            "f = lambda: [" + "lambda: (lambda: a, a)," * 3_000 + "]",
            "def f():\n"
            + "".join(" " * i + "def g():\n" for i in range(1, 90))
            + " " * 90
            + "pass",
        ],
    )
    def test_in_work(self, source: str) -> None:
        """The work grows with the source, however that is built; counted in calls, not seconds."""
        calls = 0

        def count(*event: object) -> None:
            nonlocal calls
            calls += 1

        look = Source(source.encode())
        sys.setprofile(count)
        try:
            look.find(["f"], NAMES)
        finally:
            sys.setprofile(None)
        assert calls < 150 * len(source)
