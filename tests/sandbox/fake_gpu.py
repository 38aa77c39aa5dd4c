"""A device "fake" that is not the CPU, for machines without a GPU; and a course's references on it.

    python tests/sandbox/fake_gpu.py STAGE…

runs the stages' checks on their references, with all tensors of their calls on that device, and
prints what does not pass as JSON. To PyTorch it is a device like any other: tensors are on it or
elsewhere, and tensors of two devices don't meet. Its memory is the CPU's, where its operators run
too, so it says nothing about a GPU's arithmetic. Conjugates of complex tensors are beyond it.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from autograder.course import Course
from autograder.grading.run import Run, reference_backend, run_checks
from autograder.sandbox.runner import Runner

ROOT = Path(__file__).parents[2]
EXAMPLES = 1  # for each check: this is about devices, and operators are slow
aten = torch.ops.aten
META = torch._C.DispatchKeySet(torch._C.DispatchKey.Meta)


def _convolution_backward(grad: Any, x: Any, weight: Any, *rest: Any, **named: Any) -> Any:
    return aten.convolution_backward(grad, x, weight, [grad.shape[1]], *rest, **named)


# what a device has to bring along, and what to run for it
CONVOLUTIONS = {
    "convolution_overrideable": aten.convolution.default,
    "convolution_backward_overrideable": _convolution_backward,
}


class _Module:
    """What PyTorch wants to know of a device's module."""

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Operators draw from the CPU's generator."""

    def device_count(self) -> int:
        return 1

    def current_device(self) -> int:
        return 0


class _Hooks(torch._C._acc.PrivateUse1Hooks):
    def is_available(self) -> bool:
        return True

    def has_primary_context(self, index: int) -> bool:
        return True

    def is_built(self) -> bool:
        return True


class _Memory:
    """Which storage of the CPU stands behind each of the device's; none is ever freed."""

    def __init__(self) -> None:
        self._behind: dict[int, torch.UntypedStorage] = {}
        self._whole: dict[tuple[int, torch.dtype], torch.Tensor] = {}

    def show(self, real: torch.Tensor) -> torch.Tensor:
        """The device's tensor for one of the CPU's, with the same layout in the same memory."""
        storage = real.untyped_storage()
        numel = storage.nbytes() // real.element_size()
        whole = self._whole.get((storage._cdata, real.dtype))
        if whole is None or whole.numel() < numel:
            whole = torch._C._acc.create_empty_tensor((numel,), real.dtype)
            self._whole[storage._cdata, real.dtype] = whole
            self._behind[whole.untyped_storage()._cdata] = storage
        layout = real.shape, real.stride(), real.storage_offset()
        return aten.as_strided.default.redispatch(META, whole, *layout)

    def real(self, shown: torch.Tensor) -> torch.Tensor:
        """The CPU's tensor behind one of the device's; others as they are."""
        if shown.device.type != "fake":
            return shown
        storage = self._behind[shown.untyped_storage()._cdata]
        layout = shown.storage_offset(), shown.shape, shown.stride()
        return torch.empty(0, dtype=shown.dtype).set_(storage, *layout)


_memory = _Memory()


class _Operation:
    """One operator's run on the memory behind its tensors."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self._shown: dict[int, torch.Tensor] = {}
        self._meets_others = False
        self._real = self._behind(args), self._behind(kwargs)
        if self._shown and self._meets_others:
            raise RuntimeError("Expected all tensors to be on the same device")

    def run(self, op: Any) -> Any:
        args, kwargs = self._real
        return self._show(op(*args, **kwargs))

    def _behind(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            real = _memory.real(value)
            if real is value:
                self._meets_others |= value.dim() > 0
            else:
                self._shown[id(real)] = value
            return real
        if isinstance(value, torch.device):
            return torch.device("cpu")
        if isinstance(value, list | tuple):
            return type(value)(map(self._behind, value))
        if isinstance(value, dict):
            return {name: self._behind(item) for name, item in value.items()}
        return value

    def _show(self, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(map(self._show, value))
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) not in self._shown:
            return _memory.show(value)
        before = self._shown[id(value)]
        if before.shape != value.shape:  # it was resized
            before.data = _memory.show(value)
        return before


def _operate(op: Any, *args: Any, **kwargs: Any) -> Any:
    return _Operation(args, kwargs).run(op)


def _copy(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    """The one operator for tensors of two devices."""
    _memory.real(target).copy_(_memory.real(source))
    return target


_placed_by_the_runner = Runner._placed


def _placed(runner: Runner, value: Any) -> Any:
    """The device has no generator: its operators draw from the CPU's."""
    if isinstance(value, torch.Generator):
        return torch.Generator().manual_seed(value.initial_seed())
    return _placed_by_the_runner(runner, value)


def install() -> list[torch.library.Library]:
    """Make the device known to PyTorch, for as long as what is returned lives."""
    _setup_privateuseone_for_python_backend("fake", backend_module=_Module(), hook=_Hooks())
    all_others = torch.library.Library("_", "IMPL")
    all_others.fallback(_operate, "PrivateUse1")
    some = torch.library.Library("aten", "IMPL")
    some.impl("_copy_from", _copy, "PrivateUse1")
    for name, op in CONVOLUTIONS.items():
        some.impl(name, functools.partial(_operate, op), "PrivateUse1")
    Runner._placed = _placed  # type: ignore[method-assign]
    return [all_others, some]


class OnTheDevice(Run):
    """A run of checks on the references, their tensors on the device."""

    def student(self, stage: str) -> Any:
        backend = reference_backend(self.course, stage)
        backend._runner._device = "fake"
        return backend

    def examples(self, stage: str) -> int:
        return EXAMPLES


def main() -> None:
    _kept = install()
    run = OnTheDevice(Course.load(ROOT).select(sys.argv[1:]))
    fault = run_checks(run.course, [run])
    wrong = {
        f"{stage} {name}": verdict.message
        for (stage, _, name), verdict in run.verdicts.items()
        if verdict.outcome != "passed"
    }
    print(json.dumps({"fault": fault, "checks": len(run.verdicts), "wrong": wrong}, indent=1))


if __name__ == "__main__":
    main()
