"""References and alternatives on fresh inputs."""

from __future__ import annotations

from autograder.course import Course
from autograder.proof.fairness import gradings


def test_each_grading_has_a_seed_of_its_own_and_every_variant_its_turn(
    known_course: Course,
) -> None:
    tasks = gradings(known_course, 9, first_seed=5)
    assert [task.seed for task in tasks] == list(range(5, 14))
    tried = {(variant.stage, variant.name) for task in tasks for variant in task.variants}
    stages = {variant.stage for task in tasks for variant in task.variants}
    assert stages == set(known_course.stages)
    assert all((stage, "reference") in tried for stage in stages)
