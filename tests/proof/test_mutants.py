"""Mutants: one change each, inside the solution, where a check could notice it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Course
from autograder.errors import CourseError, InputError
from autograder.proof.mutants import Equivalent, Mutant, mutants, read_equivalents, set_aside

ROOT = Path(__file__).parents[2]
COURSE = Course.load(ROOT)


def solution(code: str, signature: str = "def f(a, b)") -> str:
    """A reference with one function, of which `code` is the solution."""
    lines = ["# BEGIN SOLUTION", *dedent(code).strip().splitlines(), "# END SOLUTION"]
    return f"{signature}:\n" + "".join(f"    {line}\n" for line in lines)


def afters(code: str) -> dict[str, str]:
    """What each operator makes of the one line that it changes."""
    return {mutant.operator: mutant.after for mutant in mutants(solution(code))}


class TestMutants:
    def test_one_mutant_is_one_change_at_one_place(self) -> None:
        source = solution("""
            c = a < b
            return c
            """)
        mutant = next(m for m in mutants(source) if m.operator == "Lt→LtE")
        expected = source.replace("a < b", "a <= b")
        assert mutant == Mutant("Lt→LtE", 3, "f", "c = a < b", "c = a <= b", expected)

    def test_arithmetic_becomes_other_arithmetic(self) -> None:
        assert afters("return a + b") == {
            "Add→Sub": "return a - b",
            "Add→Mul": "return a * b",
            "Add→Div": "return a / b",
            "Add→FloorDiv": "return a // b",
            "Add→Mod": "return a % b",
            "Add→Pow": "return a ** b",
        }

    def test_bits_stay_among_themselves(self) -> None:
        found = afters("return a | b")
        assert found.keys() == {"BitOr→BitAnd", "BitOr→BitXor", "BitOr→LShift", "BitOr→RShift"}

    def test_comparisons_become_every_other_order_and_no_identity(self) -> None:
        found = afters("return a == b")
        assert found.keys() == {f"Eq→{new}" for new in ("NotEq", "Lt", "LtE", "Gt", "GtE")}
        assert afters("return a is None") == {"Is→IsNot": "return a is not None"}

    def test_numbers_go_up_and_down_by_one(self) -> None:
        found = afters("return a[1]")
        assert found == {
            "NumberReplacer +1": "return a[2]",
            "NumberReplacer −1": "return a[0]",
        }

    def test_signs_are_lost(self) -> None:
        assert afters("return -a") == {"USub deleted": "return a", "USub→Invert": "return ~a"}

    @pytest.mark.parametrize(
        ("code", "operator", "after"),
        [
            ("return a if b else 0.5", "AddNot", "return a if not b else 0.5"),
            ("return not a", "Not deleted", "return a"),
            ("return a and b", "And→Or", "return a or b"),
            ("return a or b", "Or→And", "return a and b"),
            ("return sorted(a, reverse=True)", "True→False", "return sorted(a, reverse=False)"),
            ("return sorted(a, reverse=False)", "False→True", "return sorted(a, reverse=True)"),
        ],
    )
    def test_conditions_are_turned_round(self, code: str, operator: str, after: str) -> None:
        assert afters(code)[operator] == after

    def test_loops_end_early_late_or_never_begin(self) -> None:
        found = mutants(
            solution("""
            for c in a:
                if c:
                    continue
                break
            """)
        )
        assert [(m.operator, m.after) for m in found] == [
            ("ZeroIterationForLoop", "for c in []:"),
            ("AddNot", "if not c:"),
            ("Continue→Break", "break"),
            ("Break→Continue", "continue"),
        ]

    def test_handlers_catch_nothing(self) -> None:
        found = mutants(
            solution("""
            try:
                return a[b]
            except KeyError:
                return None
            """)
        )
        assert [(m.operator, m.before) for m in found] == [
            ("ExceptionReplacer", "except KeyError:")
        ]

    def test_only_solutions_are_changed(self) -> None:
        source = "LIMIT = 1\n" + solution("return a") + "def g(a):\n    return a + 1\n"
        assert mutants(source) == []

    def test_defaults_are_changed_and_annotations_are_not(self) -> None:
        source = dedent("""
            # BEGIN SOLUTION
            def f(a: tuple[int, 3] | None = 2) -> int | None:
                b: 4 | 5 = a
                return b
            # END SOLUTION
            """)
        assert [mutant.after for mutant in mutants(source)] == [
            "def f(a: tuple[int, 3] | None = 3) -> int | None:",
            "def f(a: tuple[int, 3] | None = 1) -> int | None:",
        ]

    def test_what_is_raised_is_free(self) -> None:
        source = solution("""
            if a:
                raise ValueError(f"ŷ is {a + 1}, not {b if b else 0}")
            """)
        assert [mutant.operator for mutant in mutants(source)] == ["AddNot"]

    def test_columns_count_characters_on_both_sides(self) -> None:
        """Python's parser counts bytes: behind an annotation in Greek, another place is closed."""
        source = solution("""
            c: "ŷŷŷŷŷŷŷŷŷŷŷŷŷŷ" = a + b
            return c
            """)
        assert [m.operator for m in mutants(source) if "Add" in m.operator][:1] == ["Add→Sub"]

    def test_decorators_and_docstrings_stay(self) -> None:
        source = dedent('''
            # BEGIN SOLUTION
            @register(1 + 2)
            def f(a):
                """1 + 2 is 3."""
                return a
            # END SOLUTION
            ''')
        assert mutants(source) == []

    def test_what_does_not_compile_is_left_out(self) -> None:
        """A pattern takes `|` and nothing else."""
        source = solution("""
            match a:
                case "x" | "y":
                    return a + b
            """)
        found = mutants(source)
        assert {mutant.before for mutant in found} == {"return a + b"}
        for mutant in found:
            ast.parse(mutant.source)

    def test_functions_have_their_qualified_names(self) -> None:
        source = dedent("""
            # BEGIN SOLUTION
            ONE = 1
            class A:
                def f(self):
                    def g(a):
                        return -a
                    return -g
            # END SOLUTION
            """)
        functions = {mutant.before: mutant.function for mutant in mutants(source)}
        assert functions == {"ONE = 1": "", "return -a": "A.f.g", "return -g": "A.f"}

    def test_no_two_are_the_same_and_their_order_is_that_of_the_lines(self) -> None:
        source = solution("""
            c = 1 + 1
            return a + c
            """)
        found = mutants(source)
        assert len({mutant.source for mutant in found}) == len(found)
        assert [mutant.line for mutant in found] == sorted(mutant.line for mutant in found)
        assert found == mutants(source)

    def test_a_change_over_several_lines_shows_all_of_them(self) -> None:
        source = solution("""
            for c in (
                a,
                b,
            ):
                print(c)
            """)
        mutant = mutants(source)[0]
        assert mutant.before == "for c in (\na,\nb,\n):"
        assert mutant.after == "for c in []:"

    def test_wrong_marks_are_an_error(self) -> None:
        with pytest.raises(CourseError, match=r"toy\.py:2: # BEGIN SOLUTION without an # END"):
            mutants("def f():\n    # BEGIN SOLUTION\n    return 1\n", "toy.py")

    def test_a_missing_library_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cosmic_ray.mutating", None)
        with pytest.raises(InputError, match=r"mutants need cosmic-ray: pip install"):
            mutants(solution("return 1"))


ENTRY = """
    [[equivalent]]
    in = "f"
    before = "return a + b"
    after = ["return a - b", "return a * b"]
    reason = "b is 0"
    """


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "equivalent.toml"


def write(file: Path, text: str) -> Path:
    file.write_text(dedent(text), encoding="utf-8")
    return file


class TestEquivalents:
    def test_an_entry_gives_one_reason_for_all_that_a_line_becomes(self, file: Path) -> None:
        assert read_equivalents(write(file, ENTRY)) == [
            Equivalent("f", "return a + b", "return a - b", "b is 0"),
            Equivalent("f", "return a + b", "return a * b", "b is 0"),
        ]

    def test_a_stage_without_the_file_has_none(self, file: Path) -> None:
        assert read_equivalents(file) == []

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ('reason = "b is 0"', "", "`equivalent[0]`: Object missing required field `reason`"),
            ('"b is 0"', '""', "`equivalent[0].reason`: Expected `str` of length >= 1"),
            ('["return a - b", "return a * b"]', "[]", "`equivalent[0].after`: Expected `array`"),
            ("before =", "line =", "`equivalent[0]`: Object contains unknown field `line`"),
            ('in = "f"', "in = 3", "`equivalent[0].in`: Expected `str`, got `int`"),
            ('"b is 0"', '"b is 0', "not valid TOML"),
            ("a * b", "a - b", "`equivalent` lists 'return a - b' twice"),
        ],
    )
    def test_errors_name_the_file_and_the_key(
        self, file: Path, old: str, new: str, problem: str
    ) -> None:
        assert old in ENTRY
        with pytest.raises(CourseError) as caught:
            read_equivalents(write(file, ENTRY.replace(old, new)))
        assert str(caught.value).startswith(f"{file}: {problem}")

    def test_mutants_are_known_by_function_and_text(self, file: Path) -> None:
        found = mutants(solution("return a + b") + solution("return a + b", "def g(a, b)"))
        result = set_aside(found, read_equivalents(write(file, ENTRY)))
        assert [(m.function, m.after, e.reason) for m, e in result.excused] == [
            ("f", "return a - b", "b is 0"),
            ("f", "return a * b", "b is 0"),
        ]
        assert result.judged == tuple(
            m for m in found if m.function == "g" or m.operator not in ("Add→Sub", "Add→Mul")
        )
        assert result.stale == ()

    def test_lines_are_compared_without_indentation_and_stray_spaces(self, file: Path) -> None:
        entry = ENTRY.replace("return a + b", "    return a  + b")
        result = set_aside(mutants(solution("return a + b")), read_equivalents(write(file, entry)))
        assert len(result.excused) == 2

    def test_what_is_meant_for_no_mutant_is_stale(self, file: Path) -> None:
        equivalents = read_equivalents(write(file, ENTRY))
        result = set_aside(mutants(solution("return a - b")), equivalents)
        assert result.stale == tuple(equivalents)
        assert result.excused == ()


@pytest.mark.parametrize("stage", COURSE.stages)
def test_the_course_lists_no_mutant_that_is_not(stage: str) -> None:
    assignment = COURSE.assignment(stage)
    found = mutants(assignment.reference.read_text(encoding="utf-8"), assignment.reference.name)
    equivalents = read_equivalents(assignment.folder / "equivalent.toml")
    assert found
    assert not set_aside(found, equivalents).stale
