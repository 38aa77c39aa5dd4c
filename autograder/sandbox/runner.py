"""Import one submission and run its functions: the one place where student code is called.

The sandboxed worker runs this behind the wire, a student's own `pytest` in its own process;
both get the same answers, because arguments and results are plain values either way.
"""

from __future__ import annotations

import contextlib
import dis
import importlib.util
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Annotated, Any

import msgspec
import torch

from autograder.sandbox import portable, programs, wire
from autograder.sandbox.operators import Names, Watch

_MAX_TEXT = 2000  # characters of an exception's message
_MAX_NAME = 100  # characters of a class's name
_MAX_PATH = 500  # characters of a file's name, a line of source and the like
_MAX_LIST = 100  # bases of an exception, changed arguments


# What a worker says about itself is bounded where it is decoded: it may have been forged.
_Text = Annotated[str, msgspec.Meta(max_length=_MAX_TEXT)]
_Name = Annotated[str, msgspec.Meta(max_length=_MAX_PATH)]


class Where(msgspec.Struct, frozen=True):
    """The student's line that an exception came from; `direct` where it raised it itself."""

    file: _Name
    line: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
    function: _Name
    source: _Name
    direct: bool


class Used(msgspec.Struct, frozen=True):
    """A forbidden function that was called, and where; a claim that only its student can suffer."""

    name: _Name
    where: Where | None = None


_Uses = Annotated[list[Used], msgspec.Meta(max_length=_MAX_LIST)]


class Returned(msgspec.Struct, frozen=True, tag_field="answer", tag="returned"):
    """The call returned; `mutated` names the arguments it changed (a claim, not evidence)."""

    value: Any
    mutated: Annotated[list[_Name], msgspec.Meta(max_length=_MAX_LIST)] = []
    used: _Uses = []


class Raised(msgspec.Struct, frozen=True, tag_field="answer", tag="raised"):
    """The call raised; `bases` are the names of the exception's classes, its own first."""

    type: _Name
    bases: Annotated[list[_Name], msgspec.Meta(max_length=_MAX_LIST)]
    message: _Text
    where: Where | None = None
    used: _Uses = []


class Unsendable(msgspec.Struct, frozen=True, tag_field="answer", tag="unsendable"):
    """The call returned something that is no plain value; `what` names it."""

    what: _Name


class Missing(msgspec.Struct, frozen=True, tag_field="answer", tag="missing"):
    """The submission has no such name."""

    name: _Name


class NotPortable(msgspec.Struct, frozen=True, tag_field="answer", tag="not portable"):
    """The call was run on meta tensors and would break on a GPU; `what` says how."""

    what: _Text
    where: Where | None = None


Answer = Returned | Raised | Unsendable | Missing | NotPortable


class Forbid(msgspec.Struct, frozen=True):
    """What to look out for while the student's code runs.

    `operators` and `names` are forbidden, see `operators.Names`; `inference` runs the code under
    `torch.inference_mode`, in which nothing can be differentiated.
    """

    operators: tuple[str, ...]
    names: tuple[str, ...]
    inference: bool = False


class Call(msgspec.Struct, frozen=True):
    """One call of a student's function, or of a probe that drives a class of the student's.

    A `program` drives it too: its source is the only argument, see `programs`.
    `again` calls twice with the same argument objects and answers with the second result: a
    function that modifies its inputs gives itself away by its value. `portable` asks whether the
    call would run on a GPU, and is answered with nothing or `NotPortable`. `forbid` is `Forbid` as
    a dict; it holds from this call on.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    probe: bool = False
    program: bool = False
    again: bool = False
    portable: bool = False
    forbid: dict[str, Any] | None = None

    @property
    def is_driver(self) -> bool:
        """Whether it is code of ours that calls the student's."""
        return self.probe or self.program


class _MissingName(Exception):
    pass


class _StudentModule:
    """What a probe gets: the submission's names, with a clear answer for one that is missing."""

    def __init__(self, module: ModuleType, names: set[str]) -> None:
        self._module = module
        self._names = names

    def __getattr__(self, name: str) -> Any:
        self._names.add(name)
        try:
            return getattr(self._module, name)
        except AttributeError:
            raise _MissingName(name) from None


class Runner:
    """One submission's module, imported once, and its probes.

    Args:
        folder: the submission's folder.
        stage: the module's name.
        probes: the source of the stage's probes, None where it has none.
        let_pass: exceptions that are not the student's and go through, such as an interrupt.
        to_send: answer with values as `wire.Encoded`, to be sent and not looked at.
        progress: takes the place of the probes' function of that name, which is told what share
            of a long call is done, from 0 to 1, and in words; None leaves it.
        device: where tensors are that calls are given, and those that are made without saying
            where; not for calls that ask whether they are portable.
    """

    def __init__(
        self,
        folder: Path,
        stage: str,
        probes: str | None = None,
        let_pass: tuple[type[BaseException], ...] = (),
        *,
        to_send: bool = False,
        progress: Callable[[float, str], None] | None = None,
        device: str = "cpu",
    ) -> None:
        self.folder = folder
        self.stage = stage
        self._let_pass = let_pass
        self._to_send = to_send
        self._device = device
        self._inside = str(folder) + os.sep  # what the names of its files begin with
        self._watch: Watch | None = None
        self._by_hand = False
        self._module = ModuleType(stage)
        self._probes = ModuleType("probes")
        self.names: set[str] = set()  # of the module's, those that were asked for
        if probes is not None:
            exec(compile(probes, "probes.py", "exec"), self._probes.__dict__)
            if progress is not None:
                self._probes.__dict__["progress"] = progress

    def load(self) -> Raised | None:
        """Import the submission. Returns what its import raised, None where all went well."""
        path = self.folder / f"{self.stage}.py"
        # The submission's own folder comes last: a file of its named like a library is never
        # imported in the library's place.
        if str(self.folder) not in sys.path:
            sys.path.append(str(self.folder))
        self._module.__file__ = str(path)
        sys.modules[self.stage] = self._module
        linecache.checkcache(str(path))
        try:
            # compiled here rather than by import, which might take a stale .pyc
            source = importlib.util.decode_source(path.read_bytes())
            code = compile(source, str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:  # ValueError: a NUL, or not in its encoding
            return Raised("SyntaxError", ["SyntaxError"], *self._unreadable(error))
        except (OSError, RecursionError, MemoryError) as error:
            return self._raised(error)
        try:
            with self._placing():
                exec(code, self._module.__dict__)
        except self._let_pass:
            raise
        except (SyntaxError, UnicodeDecodeError) as error:  # of a module that this one imports
            return Raised("SyntaxError", ["SyntaxError"], *self._unreadable(error))
        except BaseException as error:
            return self._raised(error)
        return None

    def call(self, call: Call) -> Answer:
        """Run one call; whatever the student's code does comes back as an answer."""
        if call.forbid is not None:
            forbid = msgspec.convert(call.forbid, Forbid)
            self._watch = Watch(Names(forbid.operators, forbid.names), self._inside)
            self._by_hand = forbid.inference
        if self._watch:
            self._watch.uses = []
        answer = self._answer(self._look if call.portable else self._run, call)
        if self._watch and self._watch.uses and isinstance(answer, Returned | Raised):
            used = [Used(u.name[:_MAX_PATH], self._at(u.code, u.line)) for u in self._watch.uses]
            return msgspec.structs.replace(answer, used=used)
        return answer

    def _answer(self, run: Callable[[Call], Answer], call: Call) -> Answer:
        try:
            return run(call)
        except self._let_pass:
            raise
        except _MissingName as error:
            return Missing(str(error)[:_MAX_PATH])
        except wire.UnsendableError as error:
            return Unsendable(str(error)[:_MAX_PATH])
        except BaseException as error:
            return self._raised(error)

    def _run(self, call: Call) -> Answer:
        function = self._function(call)
        if self._device != "cpu":
            args, kwargs = portable.each((call.args, call.kwargs), self._placed)
            call = msgspec.structs.replace(call, args=args, kwargs=kwargs)
        before = {} if call.is_driver else _snapshot(call)
        with self._placing(), self._watching(alone=not call.is_driver):
            result = function(*call.args, **call.kwargs)
            if call.again:
                _rewind_generators(call)
                result = function(*call.args, **call.kwargs)
        mutated = _changed(call, before)
        with self._placing(), self._watching():
            # Encoding runs what is lazy in the result, and with it more of the student's code.
            encoded = wire.Encoded(result)
            frame = None if self._to_send else wire.encode(0, encoded, most=wire.MAX_ANSWER)
        # outside: what is made in inference mode stays different from other tensors
        value = encoded if frame is None else wire.received(frame)
        return Returned(value, [name[:_MAX_PATH] for name in mutated[:_MAX_LIST]])

    def _placed(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(self._device)
        if isinstance(value, torch.Generator):
            return torch.Generator(self._device).manual_seed(value.initial_seed())
        return value

    def _placing(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self._device == "cpu" else torch.device(self._device)

    @contextlib.contextmanager
    def _watching(self, *, alone: bool = False) -> Iterator[None]:
        """Run what follows as the exercise wants it run, and note what it must not call."""
        if self._watch is None:
            yield
            return
        self._watch.alone = alone
        by_hand = torch.inference_mode() if self._by_hand else contextlib.nullcontext()
        with by_hand, self._watch:
            yield

    def _look(self, call: Call) -> Answer:
        fault = portable.look(self._function(call), call.args, call.kwargs, self._inside)
        if fault is None:
            return Returned(None)
        return NotPortable(fault.what[:_MAX_TEXT], self._at(fault.code, fault.line))

    def _function(self, call: Call) -> Callable[..., Any]:
        student = _StudentModule(self._module, self.names)
        if call.program:
            return lambda source: programs.run(source, self._provides)
        if not call.probe:
            return getattr(student, call.name)  # type: ignore[no-any-return]
        probe = getattr(self._probes, call.name)
        return lambda *args, **kwargs: probe(student, *args, **kwargs)

    def _provides(self, module: str, name: str) -> Any:
        if module != self.stage:
            raise LookupError(module)
        return getattr(_StudentModule(self._module, self.names), name)

    def _raised(self, error: BaseException) -> Raised:
        # read past a metaclass of the student's, which could answer anything
        mro = type.__dict__["__mro__"].__get__(type(error))[:-1]
        name = type.__dict__["__name__"].__get__
        bases = [str(name(base))[:_MAX_NAME] for base in mro[:_MAX_LIST]]
        try:
            message = str(error)
        except BaseException:
            message = "(its message can't be shown)"
        message = self._without_path(str.__str__(message))[:_MAX_TEXT]
        message = message.encode(errors="replace").decode()  # a surrogate doesn't cross
        where = self._where(error.__traceback__)
        return Raised(bases[0], bases, message, where)

    def _where(self, trace: TracebackType | None) -> Where | None:
        """The innermost line of the submission on the way to the exception.

        Where there is none, that of the program that drove it.
        """
        found = None
        while trace is not None:
            code, line, step = trace.tb_frame.f_code, trace.tb_lineno, trace.tb_lasti
            trace = trace.tb_next
            if code.co_filename.startswith(self._inside):
                # torch raises NotImplementedError from C: only a `raise` is a stub's
                direct = code.co_code[step] == dis.opmap["RAISE_VARARGS"]
                place = self._at(code, line or 0)
                found = place and msgspec.structs.replace(place, direct=direct)
            elif code.co_filename == programs.FILE and found is None:
                place = self._at(code, line or 0)
                found = place and msgspec.structs.replace(place, direct=False)
            elif found is not None and found.direct:
                found = msgspec.structs.replace(found, direct=False)
        return found

    def _at(self, code: CodeType | None, line: int) -> Where | None:
        if code is None:
            return None
        return Where(
            file=self._without_path(code.co_filename)[:_MAX_PATH],
            line=max(0, min(line, (1 << 31) - 1)),
            function=code.co_qualname[:_MAX_PATH],
            source=linecache.getline(code.co_filename, line).strip()[:200],
            direct=True,
        )

    def _unreadable(self, error: SyntaxError | ValueError) -> tuple[str, Where | None]:
        """What is wrong with a file that Python can't read: its encoding first, then its syntax."""
        path = self.folder / f"{self.stage}.py"
        if isinstance(error, SyntaxError) and error.filename:
            named = Path(error.filename)
            path = named if named.is_relative_to(self.folder) else path
        try:
            path.read_bytes().decode("utf-8")
        except UnicodeDecodeError as problem:
            line = problem.object[: problem.start].count(b"\n") + 1
            byte = problem.object[problem.start]
            message = f"the file is not UTF-8 text (byte 0x{byte:02x}): save it as UTF-8"
            return message, Where(path.name, line, "<module>", "", True)
        except OSError:
            pass  # then Python's own words have to do
        if not isinstance(error, SyntaxError):
            return str(error), Where(path.name, 0, "<module>", "", True)
        source = (error.text or "").strip()[:200]
        return error.msg[:_MAX_TEXT], Where(path.name, error.lineno or 0, "<module>", source, True)

    def _without_path(self, text: str) -> str:
        return text.replace(str(self.folder) + os.sep, "").replace(str(self.folder), ".")


def _snapshot(call: Call) -> dict[str, bytes]:
    """The bytes of every argument that could be changed in place, by its name for the student."""
    named = {f"argument {i + 1}": value for i, value in enumerate(call.args)} | call.kwargs
    return {
        name: b"".join(wire.encode(0, value))
        for name, value in named.items()
        if not isinstance(value, bool | int | float | str | bytes | None)
    }


def _changed(call: Call, before: dict[str, bytes]) -> list[str]:
    if not before:
        return []
    try:
        after = _snapshot(call)
    except wire.UnsendableError:  # what it put into an argument is no plain value
        return list(before)
    return [name for name, data in before.items() if after[name] != data]


def _rewind_generators(call: Call) -> None:
    for value in (*call.args, *call.kwargs.values()):
        if isinstance(value, torch.Generator):
            value.manual_seed(value.initial_seed())
