"""What an exercise forbids: its TOML, and groups that name what PyTorch really has."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import torch

from autograder.course import Course
from autograder.errors import CourseError
from autograder.forbidden import GROUPS, Forbidden
from autograder.sandbox.operators import Names

ATEN = {
    name.removeprefix("aten::").partition(".")[0]
    for name in torch._C._dispatch_get_all_op_names()
    if name.startswith("aten::")
}
STAGE = """\
title = "Toy"
points = 2
{stage}
[[exercises]]
name = "one"
points = 1
{one}
[[exercises]]
name = "two"
points = 1
"""
CHECKS = '''
from autograder.checks import exercise

@exercise("one")
def test_one(student):
    """One."""

@exercise("two")
def test_two(student):
    """Two."""
'''


def load(root: Path, stage: str = "", one: str = "") -> Course:
    folder = root / "assignments" / "toy"
    folder.mkdir(parents=True)
    (root / "assignments" / "course.toml").write_text('title = "Toy"\nstages = ["toy"]\n')
    (folder / "assignment.toml").write_text(STAGE.format(stage=stage, one=one))
    (folder / "test_public.py").write_text(CHECKS)
    return Course.load(root)


class TestToml:
    def test_of_a_stage_holds_for_each_exercise(self, tmp_path: Path) -> None:
        """An exercise can add to it, and say better what to do instead."""
        course = load(
            tmp_path,
            '[forbidden]\ncalls = ["pooling"]\ninstead = "use slices"',
            'forbidden = { calls = ["torch.cumsum"], instead = "use a loop" }',
        )
        one, two = course.assignments[0].exercises
        assert one.forbidden == Forbidden(("pooling", "torch.cumsum"), "use a loop")
        assert two.forbidden == Forbidden(("pooling",), "use slices")

    def test_is_not_needed(self, tmp_path: Path) -> None:
        """Nothing is forbidden where nothing is said."""
        assert not any(e.forbidden for e in load(tmp_path).assignments[0].exercises)

    @pytest.mark.parametrize(
        ("stage", "one", "words"),
        [
            (
                '[forbidden]\ncalls = ["convolutions"]',
                "",
                ["`forbidden`", "'convolutions'", "pool"],
            ),
            ('[forbidden]\ncalls = ["torch..x"]', "", ["'torch..x'", "dotted name"]),
            ('[forbidden]\ncalls = "pooling"', "", ["`forbidden.calls`", "array"]),
            ('[forbidden]\ncall = ["pooling"]', "", ["`forbidden`", "unknown field `call`"]),
            ('[forbidden]\ncalls = ["pooling"]', "", ["exercise 'one'", "`instead`"]),
            ("", 'forbidden = { calls = ["torch.sum"] }', ["exercise 'one'", "`instead`"]),
            ("", 'forbidden = { calls = ["sum"] }', ["`exercises[0].forbidden`", "'sum'"]),
        ],
    )
    def test_that_is_wrong_is_said_to_be(
        self, tmp_path: Path, stage: str, one: str, words: list[str]
    ) -> None:
        """With the file, the key and what there is."""
        with pytest.raises(CourseError) as caught:
            load(tmp_path, stage, one)
        assert "toy/assignment.toml: " in str(caught.value)
        assert all(word in str(caught.value) for word in words), str(caught.value)


class TestGroups:
    @pytest.mark.parametrize("group", [g for g in GROUPS if g not in ("nn", "optim")])
    def test_name_operators_that_exist(self, group: str) -> None:
        """A name that PyTorch doesn't have would forbid nothing."""
        functional = {*dir(torch.nn.functional), *dir(torch), *dir(torch.Tensor)}
        known = {name.removesuffix("_") for name in ATEN | functional | {"expit"}}
        for operator in GROUPS[group].operators:
            found = any(name in known for name in [operator])
            assert found or any(f"torch.{n}" in Names([operator], []) for n in known), operator

    @pytest.mark.parametrize("group", GROUPS)
    def test_name_classes_that_exist(self, group: str) -> None:
        known = {f"torch.nn.{name}" for name in dir(torch.nn)}
        for name in GROUPS[group].names:
            if name.startswith("torch.nn.") and name.partition("nn.")[2][0] not in "mg":
                assert any(k in Names([], [name]) for k in known), name

    @pytest.mark.parametrize("module", ["conv", "pooling", "padding", "activation", "loss", "fold"])
    def test_cover_every_layer_of_their_kind(self, module: str) -> None:
        """PyTorch's own sorting of its layers is the oracle."""
        groups = {
            "conv": ["conv"],
            "pooling": ["pooling"],
            "padding": ["padding"],
            "activation": ["activation", "softmax"],
            "loss": ["loss"],
            "fold": ["unfold"],
        }[module]
        forbidden = Forbidden(tuple(groups), "x")
        names = Names(forbidden.operators, forbidden.names)
        home = getattr(torch.nn.modules, module)
        layers = [name for name in home.__all__ if name != "MultiheadAttention"]
        assert len(layers) >= 2
        assert not [name for name in layers if f"torch.nn.{name}" not in names]

    def test_cover_every_loss_function(self) -> None:
        """Those of torch.nn.functional, by their names and return."""
        forbidden = Forbidden(("loss",), "x")
        names = Names(forbidden.operators, forbidden.names)
        losses = [
            name
            for name, value in vars(torch.nn.functional).items()
            if inspect.isfunction(value) and "reduction" in inspect.signature(value).parameters
        ]
        assert len(losses) > 15
        assert not [name for name in losses if f"torch.nn.functional.{name}" not in names]

    @pytest.mark.parametrize(
        ("groups", "fine"),
        [
            (
                "conv pooling padding unfold",
                "torch.einsum torch.matmul torch.as_strided torch.Tensor.as_strided "
                "torch.fft.rfft2 torch.fft.irfft2 torch.roll torch.flip torch.cat "
                "torch.Tensor.view torch.sum torch.Tensor.amax torch.tensordot torch.full "
                "torch.Tensor.new_zeros torch.conj torch.Tensor.unflatten "
                "torch.nn.functional.one_hot torch.Tensor.__getitem__",
            ),
            (
                "activation softmax loss",
                "torch.exp torch.log torch.log1p torch.expm1 torch.logsumexp "
                "torch.special.logsumexp torch.clamp torch.clamp_min torch.Tensor.clamp_min "
                "torch.where torch.maximum torch.Tensor.exp_ torch.sinh torch.logaddexp "
                "torch.nn.functional.one_hot torch.nn.functional.linear torch.Tensor.sign "
                "torch.heaviside torch.gather",
            ),
            (
                "autograd",
                "torch.nn.functional.conv2d torch.nn.functional.unfold torch.nn.functional.fold "
                "torch.nn.functional.cross_entropy torch.softmax torch.no_grad torch.Tensor.detach "
                "torch.inference_mode torch.nn.functional.max_pool2d torch.gradient torch.diff",
            ),
            ("nn", "torch.conv2d torch.matmul torch.Tensor.relu"),
        ],
    )
    def test_leave_alone_what_is_fine(self, groups: str, fine: str) -> None:
        forbidden = Forbidden(tuple(groups.split()), "x")
        names = Names(forbidden.operators, forbidden.names)
        assert not [name for name in fine.split() if name in names]
