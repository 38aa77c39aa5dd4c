"""From cells to a module: what is kept, in which order, and from where."""

from __future__ import annotations

import ast
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from autograder.cells import MAX_CODE, Converted, Place, module_of


def convert(*cells: str, wanted: str = "f") -> Converted:
    labelled = [(f"cell {i}", dedent(cell).strip("\n")) for i, cell in enumerate(cells, start=1)]
    return module_of(labelled, wanted.split(), "one.ipynb")


def run(*cells: str, wanted: str = "f") -> Any:
    """The module that the cells make, run; nothing in them may be left out."""
    converted = convert(*cells, wanted=wanted)
    assert converted.problems == ()
    module = ModuleType("one")
    exec(converted.source, module.__dict__)
    return module


class TestWhatIsKept:
    def test_what_a_function_needs_over_several_steps(self):
        """Imports, constants, helpers and what those need in turn."""
        module = run(
            "import math\nimport os",
            "EPS = 1e-5\nSCALE = 2 * EPS",
            "def helper(x):\n    return math.floor(x) + SCALE",
            "def f(x):\n    return helper(x)",
        )
        assert module.f(1.5) == 1 + 2e-5
        assert not hasattr(module, "os")

    def test_experiments_are_not_run(self):
        """Calls, prints, loops, plots, asserts and what is computed for them."""
        converted = convert(
            """
            def f(x):
                return x + 1
            """,
            """
            import seaborn as sns
            print(f(1))
            y = f(2)
            for step in range(10**9):
                y += step
            while True:
                y = f(y)
            assert y > 3
            with open("out.txt", "w") as file:
                file.write("x")
            if __name__ == "__main__":
                raise SystemExit
            """,
        )
        assert converted.source.count("\n") == 3  # our line, and the function's

    def test_the_last_definition_wins(self):
        """As when the notebook is run from top to bottom."""
        assert run("def f():\n    return 1", "def f():\n    return 2").f() == 2

    def test_a_wrapped_function_stays_wrapped(self):
        """`f = cache(f)` binds the name that is asked for."""
        module = run("from functools import cache", "def f():\n    return 1", "f = cache(f)")
        assert module.f.cache_info

    def test_a_value_that_is_called_for_is_kept(self):
        """What a function reads is part of it, even if a call makes it."""
        module = run("def table():\n    return [1, 2]", "T = table()", "def f(i):\n    return T[i]")
        assert module.f(1) == 2

    def test_a_loops_variable_is_not(self):
        """A function that reads what a training has left behind does not run that training."""
        converted = convert("for i in range(9):\n    loss = i", "def f():\n    return loss")
        assert "for" not in converted.source

    def test_locals_are_not_taken_for_the_experiments_variables(self):
        """`loss` is a name of the function's own."""
        converted = convert(
            "loss = train(forever=True)\nitem = loss\nk = loss\nerror = loss",
            """
            def f(x):
                loss = x + 1
                try:
                    pass
                except ValueError as error:
                    print(error)
                return [item for item in [loss]] + [(lambda k: k)(1)]
            """,
        )
        assert "train" not in converted.source

    def test_a_global_of_the_functions_is(self):
        """With `global` it is the module's."""
        module = run("calls = 0", "def f():\n    global calls\n    calls += 1\n    return calls")
        assert (module.f(), module.f()) == (1, 2)

    def test_blocks_that_define(self):
        """A name bound in `if`, `try` or `with` is found; without a loop, the block is kept."""
        module = run(
            "try:\n    import nosuchlibrary as fast\nexcept ImportError:\n    fast = None",
            "if fast is None:\n    device = 'cpu'\nelse:\n    device = 'cuda'",
            "def f():\n    return device",
        )
        assert module.f() == "cpu"

    def test_methods_added_to_a_class(self):
        """A class may be written over several cells."""
        module = run(
            "class Net:\n    pass",
            "def forward(self):\n    return 3",
            "Net.forward = forward",
            wanted="Net",
        )
        assert module.Net().forward() == 3

    def test_classes_with_their_bases_decorators_and_attributes(self):
        """What stands around a body is needed too."""
        module = run(
            "def same(x):\n    return x\nSIZE = 3",
            "class Base:\n    pass",
            "@same\nclass f(Base):\n    n: int = SIZE\n    m = n\n    def g(self): return self.m",
        )
        assert module.f().g() == 3

    def test_future_imports_come_first(self):
        """They hold for the whole module, as for the cells after them."""
        module = run("X = 1", "from __future__ import annotations", "def f(x: nosuch): return X")
        assert module.f(0) == 1

    def test_star_imports_are_kept_where_a_name_may_come_from_one(self):
        """Only then."""
        assert run("from math import *", "def f(x):\n    return sqrt(x)").f(4) == 2
        assert "math" not in convert("from math import *", "def f(x):\n    return x").source

    def test_display_is_print(self):
        """A notebook has it without an import, and a function may have it in it for debugging."""
        run("def f():\n    display('hello')").f()

    def test_statements_on_one_line(self):
        """Each is taken for itself, after characters of several bytes too."""
        module = run("a = 'äö'; print(a); b = 2; boom()", "def f(): return b")
        assert module.f() == 2
        assert not hasattr(module, "a")


class TestMagics:
    @pytest.mark.parametrize(
        "magic",
        [
            "%matplotlib inline",
            "!pip install torch",
            "!pip install \\\n    torch",
            "files = !ls",
            "t, u = %sql SELECT",
            "?print",
            "print?",
            "torch.nn.Linear??",
            "%timeit?",
        ],
    )
    def test_lines(self, magic):
        """They are left out, and what else is in the cell is taken."""
        assert run(f"{magic}\ndef f():\n    return 1").f() == 1
        assert run(f"if True:\n    pass\n{magic.strip()}\n\ndef f():\n    return 1").f() == 1

    def test_in_a_function(self):
        """A block that has nothing else in it stays a block."""
        assert run("def f():\n    if True:\n        %time x\n    return 1").f() == 1

    def test_what_only_looks_like_one(self):
        """Lines of strings and of expressions stay as they are."""
        module = run(
            '''
            !ls
            def f(x):
                """Doc
                %s and !x
                """
                text = """
            %d
            !no
            """
                return (x
                    % 3), text, 'it''s', "#(" \\
            % ()
            '''
        )
        assert module.f(5) == (2, "\n%d\n!no\n", "its", "#(")

    @pytest.mark.parametrize("magic", ["%%time", "%%capture out --no-stderr", "\n%% time"])
    def test_cells_that_are_run_as_they_stand(self, magic):
        """What these define is defined in the notebook."""
        assert run(f"{magic}\ndef f():\n    return 1").f() == 1

    def test_cells_that_are_not(self):
        """Bash, files, other interpreters: left out, with a word where something is defined."""
        converted = convert("%%bash\nls", "%%writefile one.py\ndef f():\n    pass")
        assert converted.problems == (
            "cell 2: begins with %%writefile; what it defines was left out",
        )


class TestPlaces:
    def test_every_line_knows_where_it_comes_from(self):
        """The cell and the line in it, whatever was left out before."""
        converted = convert(
            "%time\n\nimport math\nprint()",
            "# a comment\n\n@staticmethod\ndef f():\n    return math.pi",
        )
        lines = converted.source.splitlines()
        assert len(lines) == len(converted.places)
        assert converted.places[lines.index("import math")] == Place("cell 1", 3)
        assert converted.places[lines.index("    return math.pi")] == Place("cell 2", 5)

    def test_an_encoding_is_no_cells_to_declare(self):
        """The module is UTF-8, whatever a comment says."""
        source = convert("def f():\n    # -*- coding: utf-7 -*-\n    return 'ä'").source
        namespace: dict[str, Any] = {}
        exec(compile(source.encode(), "one", "exec"), namespace)
        assert namespace["f"]() == "ä"


class TestProblems:
    def test_a_cell_that_is_no_python_is_named_and_the_rest_is_taken(self):
        """With the line, and what Python says."""
        converted = convert("def g(:\n    pass", "def f():\n    return 1", "x = 1\ny = = 2")
        first, third = converted.problems
        assert first.startswith("cell 1, line 1: not valid Python (invalid syntax)")
        assert third.startswith("cell 3, line 2: not valid Python (invalid syntax)")
        assert "return 1" in converted.source

    @pytest.mark.parametrize(
        "bad", ["x = '\0'", "x = '\ud800'", "(" * 5000, "-" * 20_000 + "1", "f" + "()" * 50_000]
    )
    def test_what_no_parser_takes(self, bad):
        """Is a problem of its own cell."""
        converted = convert(bad, "def f(): pass")
        assert len(converted.problems) == 1
        assert "def f" in converted.source

    def test_too_much_code(self):
        """There is an end to what is read."""
        converted = convert("def f(): pass", f"x = '{'a' * MAX_CODE}'", "def f(): boom")
        assert len(converted.problems) == 1
        assert "boom" not in converted.source

    def test_ends_of_lines(self):
        """Windows' and old Macs' are ends of lines."""
        source = module_of([("cell", "def f():\r\n  return 1\rX = 2\r\n")], ["f"], "n").source
        assert ast.parse(source)
        assert "\r" not in source

    def test_indented_cells(self):
        """A cell that is indented as a whole is run so by notebooks."""
        assert run("pass", "  \n    def f():\n        return 1\n    g = f").f() == 1
