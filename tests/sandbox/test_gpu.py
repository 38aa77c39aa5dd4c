"""Workers with a GPU: what they may do, and that no grade depends on whether there is one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import torch

from autograder.course import Course, Limits
from autograder.grading import batch
from autograder.grading.grade import grade
from autograder.grading.intake import Submission, take_in
from autograder.mistakes import read_mistakes
from autograder.report import Report
from autograder.sandbox import gpu
from autograder.sandbox.runner import Call, Returned
from autograder.sandbox.workers import GpuError, SandboxError, Zygote

HAS_GPU = torch.cuda.is_available()
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="there is no GPU that CUDA can use")
without_gpu = pytest.mark.skipif(HAS_GPU, reason="there is a GPU that CUDA can use")
LIMITS = Limits(wall_seconds=60, cpu_seconds=60, import_seconds=60)
ROOT = Path(__file__).parents[2]
ASSIGNMENTS = Course.load(ROOT).assignments

COURSE = {
    "assignments/course.toml": 'title = "Trainings"\nstages = ["toy"]\n',
    "assignments/toy/assignment.toml": """
        title = "Trainings"
        points = 3

        [[exercises]]
        name = "train"
        points = 2
        recipe = true

        [[exercises]]
        name = "double"
        points = 1
        """,
    "assignments/toy/test_hidden.py": '''
        import torch
        from autograder.checks import assert_equal, assert_that, exercise, training_device

        @exercise("train")
        def test_training_goes_up(student):
            """The number grows, where it is asked to."""
            assert_that(student.probe.train(training_device()) > 0, "expected a number above 0")

        @exercise("double")
        def test_double_is_a_sum(student):
            """Twice a number is the number added to itself."""
            assert_equal(student.double(3), 6)
        ''',
    "assignments/toy/probes.py": """
        import torch

        def train(student, device):
            return float(student.train(torch.ones(2, device=device)))
        """,
    "solutions/toy.py": """
        def train(x):
            # BEGIN SOLUTION
            return x.sum()
            # END SOLUTION


        def double(n):
            # BEGIN SOLUTION
            return 2 * n
            # END SOLUTION
        """,
}


@pytest.fixture
def trainings(tmp_path: Path) -> Course:
    """A course with an exercise that trains, and one that does not."""
    for name, text in COURSE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(text).lstrip(), encoding="utf-8")
    return Course.load(tmp_path)


@without_gpu
class TestWhereThereIsNone:
    def test_asking_for_one_is_refused(self):
        with pytest.raises(GpuError, match=r"^--device cuda: .*; --device cpu grades without"):
            Zygote(device="cuda")

    def test_auto_does_without(self, submission):
        with Zygote(device="auto") as zygote:
            assert zygote.device == "cpu"
            folder = submission(stage="def f():\n    return 1\n")
            worker = zygote.spawn(folder, "stage", None, LIMITS)
            assert worker.load() is None
            assert worker.call(Call("f")) == Returned(1)

    def test_a_worker_says_why_it_has_none(self, zygote, submission):
        folder = submission(stage="def f():\n    return 1\n")
        worker = zygote.spawn(folder, "stage", None, LIMITS, with_gpu=True)
        with pytest.raises(SandboxError, match=r"can't use the GPU: \w+"):
            worker.load()
        worker.close()

    def test_the_trial_finds_that_out(self, zygote):
        assert "can't use the GPU" in zygote._why_no_gpu()

    def test_one_that_fails_while_grading_costs_nobody_a_point(
        self, zygote, staging, trainings, monkeypatch
    ):
        """What did not pass with it is run on the CPU, and that stands."""
        monkeypatch.setattr(zygote, "device", "cuda")
        report = grade(trainings, _taken_in(trainings, staging), zygote)
        assert (report.points, report.graded) == (3, True)
        assert report.environment.device == "cuda"

    def test_and_gives_nobody_one(self, zygote, staging, submission, trainings, monkeypatch):
        monkeypatch.setattr(zygote, "device", "cuda")
        wrong = submission(toy="def train(x):\n    return -x.sum()\ndef double(n):\n    return 6\n")
        report = grade(trainings, Submission("ada", wrong), zygote)
        assert (report.points, report.graded) == (1, True)
        [train, _] = report.stages[0].exercises
        assert "expected a number above 0" in train.checks[0].message

    @pytest.mark.parametrize("all_on_gpu", [False, True])
    def test_not_of_any_stage_that_was_to_use_it(
        self, zygote, staging, submission, known_course, monkeypatch, all_on_gpu
    ):
        """Of all stages, where they are asked to; stages that don't train need no GPU otherwise."""
        spawned = []
        spawn = zygote.spawn

        def spy(*args, **kwargs):
            spawned.append((kwargs["with_gpu"], kwargs["device"]))
            return spawn(*args, **kwargs)

        monkeypatch.setattr(zygote, "device", "cuda")
        monkeypatch.setattr(zygote, "spawn", spy)
        source = known_course.assignments[0].reference
        taken = take_in(source, known_course.modules, staging)
        report = grade(known_course, taken, zygote, all_on_gpu=all_on_gpu)
        assert (report.points, report.graded) == (report.max_points, True)
        assert set(spawned) == {(False, "cpu"), *([(True, "cuda")] if all_on_gpu else [])}


@pytest.mark.parametrize(("device", "of_all"), [("auto", False), ("cuda", True)])
def test_only_who_insists_on_a_gpu_gets_it_for_all(
    zygote, trainings, tmp_path, monkeypatch, device, of_all
):
    asked = []

    def spy(*args, **kwargs):
        asked.append(kwargs["all_on_gpu"])
        return grade(*args, **kwargs)

    monkeypatch.setattr(batch, "grade", spy)
    monkeypatch.setattr(batch, "Zygote", lambda **_: zygote)
    monkeypatch.setattr(zygote, "close", lambda: None)
    reference = trainings.assignments[0].reference
    [graded] = batch.grade_all(trainings, [reference], tmp_path / "out", device=device)
    assert (graded.refused, asked) == (None, [of_all])


ON_A_DEVICE = """
import torch

HERE = torch.zeros(1)

def made():
    return HERE, torch.ones(2), torch.nn.Linear(2, 2).weight

def changes(x):
    x += 1
"""
PLACES = """
def places(student, x, *more, generator=None, **named):
    given = [x, *more[0], named["y"][0]["z"], *([generator] if generator else [])]
    return [t.device.type for t in (*given, *student.made())]
"""


def test_a_worker_puts_all_of_a_call_on_its_device(zygote, submission):
    """What it is given, and what is made without saying where, while it is imported too."""
    x, folder = torch.ones(2), submission(stage=ON_A_DEVICE)
    worker = zygote.spawn(folder, "stage", PLACES, LIMITS, device="meta")
    assert worker.load() is None
    call = Call("places", (x, [x]), {"y": ({"z": x},)}, probe=True)
    assert worker.call(call) == Returned(["meta"] * 6)
    worker.close()


def test_right_answers_are_right_on_another_device():
    """Of direct calls, programs, modules with a state, and networks: the device is slow."""
    program = Path(__file__).with_name("fake_gpu.py")
    stages = ["convolution", "initialization", "batchnorm", "models"]
    done = subprocess.run(
        [sys.executable, program, *stages], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["fault"], found["wrong"]) == (None, {})
    assert found["checks"] > 200


def _taken_in(course: Course, staging: Path) -> Submission:
    return take_in(course.assignments[0].reference, course.modules, staging)


# Run in a process of its own, which ends up in a jail: as a worker with a GPU is, except that
# there is none to be opened.
IN_THE_JAIL = """
import ctypes, errno, os, resource, socket, sys
from autograder.sandbox import gpu, jail

opened = []
gpu.open_gpu = lambda: opened.append(os.getuid())
prison, missing = jail.detect(int(sys.argv[1]), [], with_gpu=True)
rules = prison.file_rules("/usr/lib", with_gpu=True)
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
prison.enter(parent=os.getppid(), uid=int(sys.argv[1]), rules=rules, cpu_seconds=60,
             memory_mb=1024, with_gpu=True)
libc = ctypes.CDLL(None, use_errno=True)

def told(number, *arguments):
    return 0 if libc.syscall(number, *arguments) >= 0 else ctypes.get_errno()

assert opened == [os.getuid()], "CUDA is opened once, as the user that uses it"
if "seccomp" in prison.layers:
    # on a pipe: whatever it is asked, it answers that it is no such device
    reading, _ = os.pipe()
    assert libc.ioctl(reading, 0x46D6, None) < 0 and ctypes.get_errno() == errno.ENOTTY
    try:
        socket.socket()
    except OSError as error:
        assert error.errno == errno.ENOSYS
    else:
        raise AssertionError("a socket was opened")
if "landlock" in prison.layers:
    try:
        open("/etc/passwd")
    except PermissionError:
        pass
    else:
        raise AssertionError("/etc/passwd was read")
assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
allowed = resource.getrlimit(resource.RLIMIT_DATA)[0]
assert 2**30 <= allowed < 2**33, allowed
try:
    bytearray(allowed)
except MemoryError:
    pass
else:
    raise AssertionError("memory without end")
print("as it should be", flush=True)
os._exit(0)
"""


def test_the_jail_is_as_tight_as_the_driver_lets_it_be():
    """Devices may be asked anything, and addresses cost nothing; all else stays shut."""
    done = subprocess.run(
        [sys.executable, "-c", IN_THE_JAIL, "41000"], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "as it should be\n"), done.stderr


@needs_gpu
class TestWhereThereIsOne:
    @pytest.fixture(scope="class")
    def with_gpu(self, staging):
        with Zygote([staging], device="cuda") as running:
            yield running

    def test_workers_train_on_it_in_their_jail(self, with_gpu, submission):
        folder = submission(
            stage="""
                import torch
                def f():
                    x = torch.ones(6, device="cuda", requires_grad=True)
                    (x - x.square() / 2).sum().backward()
                    return x.grad, str(x.device)
                def reads():
                    return open("/etc/passwd").read()
                """
        )
        worker = with_gpu.spawn(folder, "stage", None, LIMITS, with_gpu=True)
        assert worker.load() is None
        gradient, device = worker.call(Call("f")).value
        assert torch.equal(gradient, torch.zeros(6))
        assert device == "cuda:0"
        assert worker.call(Call("reads")).type == "PermissionError"
        worker.close()

    def test_the_zygote_never_touches_it(self, with_gpu):
        """A fork of a process that has can't use it."""
        pid = with_gpu._process.pid
        opened = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        assert not set(opened) & set(gpu.device_files())

    def test_a_submission_gets_the_cpus_points(self, with_gpu, staging, trainings):
        report = grade(trainings, _taken_in(trainings, staging), with_gpu)
        assert report.points == 3

    def test_a_worker_computes_there(self, with_gpu, submission):
        worker = with_gpu.spawn(
            *(submission(stage=ON_A_DEVICE), "stage", PLACES, LIMITS), with_gpu=True, device="cuda"
        )
        assert worker.load() is None
        x = torch.ones(2)
        named = {"y": ({"z": x},), "generator": torch.Generator()}
        call = Call("places", (x, [x]), named, probe=True)
        assert worker.call(call) == Returned(["cuda"] * 7)
        assert worker.call(Call("changes", (x,))).mutated == ["argument 1"]
        worker.close()

    @pytest.mark.parametrize("stage", [a.stage for a in ASSIGNMENTS if not a.trains])
    def test_a_stage_has_the_cpus_outcomes(self, with_gpu, zygote, submission, stage):
        """The reference, each alternative, and every 40th known mistake, on both."""
        course = Course.load(ROOT).select([stage])
        [assignment] = course.assignments
        reference = assignment.reference.read_text(encoding="utf-8")
        sources = {"reference": reference}
        for path in sorted((assignment.folder / "alternatives").glob("*.py")):
            sources[path.stem] = path.read_text(encoding="utf-8")
        for mistake in read_mistakes(assignment)[::40]:
            sources[mistake.name] = mistake.apply(reference)
        for name, source in sources.items():
            taken = Submission(name, submission(**{stage: source}))
            on_cpu = grade(course, taken, zygote)
            on_gpu = grade(course, taken, with_gpu, all_on_gpu=True)
            assert _outcomes(on_gpu) == _outcomes(on_cpu), name

    @pytest.mark.parametrize("exercise", ["train_mlp", "train_cnn"])
    def test_so_do_the_courses_trainings(self, with_gpu, zygote, staging, submission, exercise):
        """The reference, and every third known mistake, on both."""
        course = Course.load(ROOT).select(["training"])
        [assignment] = course.assignments
        only = [each for each in assignment.exercises if each.name == exercise]
        checks = tuple(check for check in assignment.checks if check.exercise == exercise)
        changed = dataclasses.replace(assignment, exercises=tuple(only), checks=checks)
        course = dataclasses.replace(course, assignments=(changed,))
        reference = assignment.reference.read_text(encoding="utf-8")
        sources = {"reference": reference}
        for mistake in read_mistakes(assignment)[::3]:
            if mistake.exercise == exercise:
                sources[mistake.name] = mistake.apply(reference)
        for name, source in sources.items():
            folder = submission(training=source)
            on_cpu, on_gpu = (
                grade(course, Submission(name, folder), each) for each in (zygote, with_gpu)
            )
            assert _outcomes(on_gpu) == _outcomes(on_cpu), name


def _outcomes(report: Report) -> dict[str, str]:
    return {
        check.name: check.outcome
        for stage in report.stages
        for exercise in stage.exercises
        for check in exercise.checks
    }
