"""References and alternatives on fresh inputs."""

from __future__ import annotations

from autograder.course import Course
from autograder.proof.fairness import gradings, losses
from autograder.proof.pool import Task
from autograder.proof.variants import Variant


def test_every_seed_is_tried_on_all_that_is_right(toy_course: Course) -> None:
    tasks = gradings(toy_course, 5, first_seed=7)
    assert [(task.seed, task.variants[0].stage) for task in tasks] == [
        (7, "doubles"),
        (7, "words"),
        (8, "doubles"),
        (8, "words"),
        (9, "doubles"),
    ]


def test_a_check_that_refuses_what_is_right_is_named_with_its_seed(toy_course: Course) -> None:
    source = toy_course.assignment("doubles").reference.read_text(encoding="utf-8")
    right = Variant("reference", "doubles", "reference", source)
    odd = Variant("alternative", "doubles", "odd", source.replace("2 * n", "2 * n + (n == 50)"))
    tasks = [Task("hold", (right, odd), seed) for seed in range(40)]
    found = list(losses(toy_course, tasks, jobs=1))
    assert sum(number for number, _ in found) == 80
    lost = [sentence for _, sentences in found for sentence in sentences]
    assert lost, "one of 40 seeds draws 50"
    assert all(sentence.startswith("doubles odd, seed ") for sentence in lost)
    assert len(lost) < 40, "each seed draws inputs of its own"
