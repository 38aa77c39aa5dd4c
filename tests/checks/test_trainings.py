"""How a trained classifier is judged by its logits, and what a student reads of it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from autograder.checks import Trained, assert_accurate, assert_logits
from autograder.checks.charts import training_chart
from autograder.checks.faces import Face, ModuleBackend, measurement_of
from autograder.checks.failures import CheckFailure
from autograder.checks.goals import Goal
from autograder.checks.trainings import confusion
from autograder.checks.verdicts import judge

CLASSES = tuple("abcd")
GOAL = Goal(60.0, 90.0, 7e-4, 0.99, 300, 0, 93.0, 0.5)
Y = torch.arange(4).repeat(50)  # 200 images


@pytest.fixture
def student(tmp_path: Path) -> Face:
    return Face(ModuleBackend(tmp_path, "none", None))


def logits(right: float) -> torch.Tensor:
    """Logits that are right on this share of the images; a wrong one takes a class for the next."""
    count = round(right * len(Y))
    given = torch.cat([Y[:count], (Y[count:] + 1) % 4])
    return 2.0 * torch.nn.functional.one_hot(given, 4)


def trained(*shares: float) -> list[Trained]:
    return [Trained(seed, logits(share), [2.0, 1.0], 3.0) for seed, share in enumerate(shares, 1)]


class TestAccuracy:
    def test_median_decides(self, student: Face) -> None:
        """One unlucky seed of three costs nothing."""
        assert_accurate(student, trained(0.7, 0.95, 0.91), Y, CLASSES, GOAL)
        measured = measurement_of(student)
        assert measured is not None
        assert measured.value == pytest.approx(91)

    @pytest.mark.parametrize(("share", "points"), [(0.89, 0.967), (0.75, 0.5)])
    def test_points_rise_from_the_floor_to_the_threshold(
        self, student: Face, share: float, points: float
    ) -> None:
        with pytest.raises(CheckFailure) as caught:
            assert_accurate(student, trained(share), Y, CLASSES, GOAL)
        assert caught.value.share == pytest.approx(points, abs=1e-3)

    def test_report_has_it_whether_it_was_enough_or_not(self, student: Face) -> None:
        """Accuracy with its error, threshold, false fails, confusions, and a picture."""
        with pytest.raises(CheckFailure) as caught:
            assert_accurate(student, trained(0.8, 0.82, 0.7), Y, CLASSES, GOAL)
        failed = judge(caught.value, student)
        assert (failed.outcome, failed.reached) == ("failed", pytest.approx(80))
        assert "80.0% (± 2.8) of 200 images held out" in failed.message
        assert "median of 80.0% with seed 1, 82.0% with seed 2, 70.0% with seed 3" in failed.message
        assert "from 90% on, none up to 60%" in failed.message
        assert "probability below 0.07%" in failed.message
        assert "a taken for b (10 times)" in failed.message
        assert "3.0 epochs" in failed.message
        assert failed.picture.startswith("<svg")

        assert_accurate(student, trained(0.95), Y, CLASSES, GOAL)
        passed = judge(None, student)
        assert (passed.outcome, passed.reached) == ("passed", pytest.approx(95))
        assert "95.0% (± 1.5)" in passed.message
        assert passed.picture.startswith("<svg")

    def test_what_is_accurate_and_sure_of_its_errors_is_refused(self, student: Face) -> None:
        """The mean cross-entropy has to be below 1."""
        sure = [Trained(1, 1000.0 * logits(0.95), (), 1.0)]
        with pytest.raises(CheckFailure, match=r"cross-entropy .* not below 1 \(and 95.0%"):
            assert_accurate(student, sure, Y, CLASSES, GOAL)

    def test_confusion_has_labels_in_rows(self) -> None:
        counts = confusion(torch.tensor([1, 1, 2]), torch.tensor([0, 1, 2]), 3)
        assert counts.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((logits(1.0), 3), "a tensor, not a tuple"),
        (None, "a tensor, not a NoneType"),
        (logits(1.0)[:, :3], r"shape \(200, 4\), not \(200, 3\)"),
        (logits(1.0)[:50], r"shape \(200, 4\), not \(50, 4\)"),
        (logits(1.0).long(), "floating-point logits, not torch.int64"),
        (logits(1.0) * float("nan"), "some are NaN or infinite"),
        (logits(0.9).softmax(1), "the model gives probabilities"),
    ],
)
def test_what_is_no_logits_is_named(given: object, told: str) -> None:
    """A student who returns the wrong thing reads what it is."""
    with pytest.raises(CheckFailure, match=told):
        assert_logits(given, Y, CLASSES)


def test_log_probabilities_are_logits() -> None:
    assert_logits(logits(0.9).log_softmax(1), Y, CLASSES)


class TestChart:
    def draw(self, losses: list[float]) -> ElementTree.Element:
        counts = confusion(logits(0.8).argmax(1), Y, 4)
        return ElementTree.fromstring(training_chart({1: losses, 2: [1.0]}, counts, CLASSES))

    def test_has_a_curve_for_each_seed_and_every_count(self) -> None:
        svg = self.draw([2.0, 1.0, 0.5])
        curves = [e for e in svg.iter() if e.tag.endswith("polyline")]
        assert len(curves) == 2
        words = {e.text for e in svg.iter() if e.tag.endswith("text")}
        assert {"a", "b", "c", "d", "10", "40", "seed 1", "seed 2", "2.00"} <= words

    @pytest.mark.parametrize(
        "losses", [[], [float("nan")], [float("inf"), 1.0], [1e300, -1e300], [0.5] * 100_000]
    )
    def test_strange_losses_are_drawn_or_left_out(self, losses: list[float]) -> None:
        """They are what a student's process says."""
        text = ElementTree.tostring(self.draw(losses))
        assert len(text) < 20_000
        assert b"nan" not in text
