"""The grader as an image: for a server of one's own, or a platform that runs images.

Gradescope and otter build their machines from files of their own; a Dockerfile in their releases
would lie there unused, and one in the students' would build what they don't have.
"""

from __future__ import annotations

from autograder.course import Course
from autograder.release.course_files import constraints, course_files
from autograder.release.wheel import Wheel

_CONSTRAINTS = "constraints.txt"

_DOCKERFILE = """\
# docker build -t grader .
FROM python:3.11-slim-bookworm

# for the sandbox's filter of system calls
RUN apt-get update \\
    && apt-get install -y --no-install-recommends libseccomp2 \\
    && rm -rf /var/lib/apt/lists/*

# PyTorch's build for CPUs is a tenth of the size, where pip is told of a place that has it: see
# README.md
ARG PIP_EXTRA_INDEX_URL=""
COPY toolkit/ /opt/toolkit/
RUN python -m pip install --no-cache-dir {pinned}/opt/toolkit/{wheel}

# the secrets: only root reads them, and student code never runs as root
COPY course/ /opt/course/
COPY grade-all /usr/local/bin/grade-all
RUN chmod 755 /usr/local/bin/grade-all && chmod -R go-rwx /opt/course

ENV OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
VOLUME ["/submissions", "/graded"]
ENTRYPOINT ["grade-all"]
"""

_GRADE_ALL = """\
#!/bin/sh
# Grade everything in /submissions into /graded; arguments go to `autograder grade`.
set -eu
exec autograder grade /submissions/* --out /graded --course /opt/course "$@"
"""

_README = """\
# {title}: the grader as an image

This folder holds the course's secrets: references, hidden checks, known mistakes. Neither it nor
the image is for students.

```
docker build -t grader --build-arg PIP_EXTRA_INDEX_URL=ADDRESS .
docker run --rm --network none -v "$PWD/submissions:/submissions:ro" -v "$PWD/graded:/graded" grader
```

(ADDRESS is the one that PyTorch's installation page shows for pip and CPU; without it the image
gets the build for GPUs, and works all the same.) That grades every folder, zip file and `.py` in
`submissions/` into `graded/`, as `autograder grade` does; what follows `grader` goes to it
(`--stage {first}`, `--json`). Nothing has to be loaded from the network. The sandbox needs no more
rights than Docker gives:

```
docker run --rm --entrypoint autograder grader doctor
```

says which of its layers hold on your machine.
"""


def docker_files(course: Course, wheel: Wheel) -> dict[str, bytes]:
    """A folder to run ``docker build`` in.

    Args:
        course: the instructor's course, or some stages of it (`Course.select`).
        wheel: the toolkit.

    Raises:
        CourseError: a file of the course can't be read.
    """
    files = course_files(course)
    versions = constraints(course)
    pinned = ""
    if versions is not None:
        files[f"toolkit/{_CONSTRAINTS}"] = versions
        pinned = f"-c /opt/toolkit/{_CONSTRAINTS} "
    files[f"toolkit/{wheel.name}"] = wheel.content
    texts = {
        "Dockerfile": _DOCKERFILE.format(pinned=pinned, wheel=wheel.name),
        "README.md": _README.format(title=course.title, first=course.stages[0]),
        "grade-all": _GRADE_ALL,
        ".dockerignore": ".release.json\nREADME.md\n**/__pycache__\n",
    }
    files |= {name: text.encode() for name, text in texts.items()}
    return dict(sorted(files.items()))
