"""Make ``import torchvision`` work where torch is a CPU build and torchvision a CUDA build.

PyPI's torchvision is built against CUDA. Beside a CPU build of torch its compiled operators do
not load, and its Python side then fails at import with ``operator torchvision::nms does not
exist``. Declaring the schemas of the two operators that it registers fake kernels for lets the
import succeed: datasets, transforms, models and utils work, the compiled operators do not.
"""

from __future__ import annotations

from typing import Any

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_libraries: list[object] = []  # torch.library drops a definition when its Library is collected


def import_torchvision() -> bool:
    """Import torchvision, repairing the build mismatch first if there is one.

    Returns:
        True where the repair was needed.

    Raises:
        ImportError: torchvision is not installed, or fails for another reason.
    """
    import torch

    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise ImportError(f"torchvision can't be imported: {error}") from error
    else:
        return bool(_libraries)

    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name, schema in _SCHEMAS.items():
        library.define(name + schema)
    _libraries.append(library)
    import torchvision  # noqa: F401

    return True
