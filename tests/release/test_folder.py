"""A release on disk: whole, and never over what a person wrote."""

import hashlib
import json
import os

import pytest

from autograder.errors import InputError
from autograder.release.folder import differences, write_release

FILES = {"README.md": b"read\n", "assignments/a/handout.md": b"a\n", "stage.py": b"stub\n"}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "dist" / "template"


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_writes_the_files_and_a_manifest_with_their_hashes(out):
    """Missing folders above are made, and nothing is left beside the release."""
    assert write_release(FILES, out) == ["template is missing"]
    written = contents(out)
    manifest = json.loads(written.pop(".release.json"))
    assert written == FILES
    assert manifest["sha256"]["stage.py"] == hashlib.sha256(b"stub\n").hexdigest()
    assert list(manifest["sha256"]) == sorted(FILES)
    assert os.listdir(out.parent) == ["template"]


def test_the_manifest_does_not_depend_on_the_order_of_the_files(out, tmp_path):
    """Two releases of the same files are the same bytes."""
    write_release(FILES, out)
    write_release(dict(reversed(FILES.items())), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(out)


def test_replaces_and_removes_what_the_last_release_wrote(out):
    """An untouched file is updated; one that is no longer released goes."""
    write_release({**FILES, "old.py": b"old\n"}, out)
    changes = write_release({**FILES, "stage.py": b"new\n"}, out)
    assert changes == [
        "template/.release.json would change",
        "template/old.py is not part of the release",
        "template/stage.py would change",
    ]
    assert (out / "stage.py").read_bytes() == b"new\n"
    assert not (out / "old.py").exists()


def test_writes_nothing_where_nothing_changes(out):
    """A current release keeps even its caches."""
    write_release(FILES, out)
    (out / "__pycache__").mkdir()
    assert write_release(FILES, out) == []
    assert (out / "__pycache__").exists()


def test_differences_names_every_file(out):
    """What is missing, changed or foreign has a sentence each; caches have none."""
    assert differences(FILES, out) == ["template is missing"]
    write_release(FILES, out)
    assert differences(FILES, out) == []
    (out / "README.md").unlink()
    (out / "stage.py").write_bytes(b"edited\n")
    (out / "notes.txt").write_bytes(b"mine\n")
    for cache in ("__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"):
        (out / "assignments" / cache).mkdir()
        (out / "assignments" / cache / "x").write_bytes(b"")
    assert differences(FILES, out) == [
        "template/README.md is missing",
        "template/notes.txt is not part of the release",
        "template/stage.py would change",
    ]


@pytest.mark.parametrize("name", ["notes.txt", ".venv/bin/python", "assignments/a/mine.py"])
def test_refuses_a_folder_with_files_of_somebodys(out, name):
    """A folder that holds anything no release has made is not replaced; the file is named."""
    write_release(FILES, out)
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"mine\n")
    before = contents(out)
    with pytest.raises(InputError, match=f"no release has made: {name};"):
        write_release({**FILES, "stage.py": b"new\n"}, out)
    assert contents(out) == before


def test_refuses_to_overwrite_a_file_that_was_edited(out):
    """A stub that somebody has begun to write is not lost, however the release has changed."""
    write_release(FILES, out)
    (out / "stage.py").write_bytes(b"my solution\n")
    for files in (FILES, {**FILES, "stage.py": b"new\n"}, {"README.md": b"read\n"}):
        with pytest.raises(InputError, match=r"changed since it was released: stage\.py;"):
            write_release(files, out)
    assert contents(out)["stage.py"] == b"my solution\n"


def test_refuses_a_folder_that_is_no_release_but_has_files_of_that_name(out):
    """Without a manifest, only what equals the release may be replaced."""
    out.mkdir(parents=True)
    (out / "README.md").write_bytes(b"read\n")
    (out / "stage.py").write_bytes(b"mine\n")
    with pytest.raises(InputError, match=r"stage\.py"):
        write_release(FILES, out)
    (out / "stage.py").unlink()
    write_release(FILES, out)
    assert differences(FILES, out) == []


def test_fills_an_empty_folder(out):
    """An empty folder holds nothing that could be lost."""
    out.mkdir(parents=True)
    write_release(FILES, out)
    assert differences(FILES, out) == []


def test_refuses_a_link_in_place_of_a_file(out, tmp_path):
    """A link is somebody's doing, even if it leads to the same bytes."""
    write_release(FILES, out)
    (tmp_path / "elsewhere").write_bytes(b"stub\n")
    (out / "stage.py").unlink()
    (out / "stage.py").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"stage\.py"):
        write_release(FILES, out)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sha256": 3}'])
def test_refuses_a_manifest_that_it_did_not_write(out, text):
    """A broken manifest proves nothing about the files."""
    write_release(FILES, out)
    (out / ".release.json").write_text(text)
    with pytest.raises(InputError, match=r"\.release\.json is not what"):
        write_release(FILES, out)


def test_refuses_a_file_in_place_of_the_folder(out):
    """The message says what is in the way."""
    out.parent.mkdir()
    out.write_bytes(b"mine\n")
    for function in (write_release, differences):
        with pytest.raises(InputError, match="template is no folder"):
            function(FILES, out)
    assert out.read_bytes() == b"mine\n"


def test_a_failure_half_way_leaves_the_old_release(out, monkeypatch):
    """The old folder is back in its place if the new one can't be put there."""
    write_release(FILES, out)
    rename = os.rename

    def fail_for_the_new_one(source, target):
        if source.name == "new":
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_for_the_new_one)
    with pytest.raises(InputError, match="can't be written: No space left"):
        write_release({**FILES, "stage.py": b"new\n"}, out)
    monkeypatch.undo()
    assert differences(FILES, out) == []
    assert os.listdir(out.parent) == ["template"]
