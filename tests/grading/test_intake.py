"""Intake: whatever is handed in becomes a small folder of plain files, or one sentence."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.errors import SubmissionError
from autograder.grading import unpack
from autograder.grading.intake import Submission, discard, take_in

MODULES = ["one.py", "two.py"]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def take(into: Path) -> Callable[[Path], Submission]:
    return lambda path: take_in(path, MODULES, into)


@pytest.fixture
def refused(into: Path) -> Callable[[Path], str]:
    """The sentence with which a submission is refused; nothing of it may stay behind."""

    def sentence(path: Path) -> str:
        with pytest.raises(SubmissionError) as caught:
            take_in(path, MODULES, into)
        assert list(into.iterdir()) == []
        assert len(str(caught.value).splitlines()) == 1
        return str(caught.value)

    return sentence


@pytest.fixture
def make_zip(tmp_path: Path) -> Callable[..., Path]:
    """A zip of the given entries, names or ZipInfos to their content."""

    def make(
        entries: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED
    ) -> Path:
        path = tmp_path / "work.zip"
        with zipfile.ZipFile(path, "w", method) as archive:
            for entry, content in entries:
                archive.writestr(entry, content)
        return path

    return make


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content)
    return folder


def content(submission: Submission) -> dict[str, str]:
    """The files of a submission by their paths."""
    return {
        str(path.relative_to(submission.folder)): path.read_text()
        for path in sorted(submission.folder.rglob("*"))
        if path.is_file()
    }


class TestKinds:
    def test_folder(self, tmp_path, take):
        """A folder is copied with what lies below it, under its own name."""
        source = write(tmp_path / "ada", one="1", helper="h")
        write(source / "package", inner="i")
        taken = take(source)
        assert taken.name == "ada"
        assert content(taken) == {"one.py": "1", "helper.py": "h", "package/inner.py": "i"}
        assert taken.notes == ()

    def test_zip(self, make_zip, take):
        """A zip is unpacked, under its name without the suffix."""
        taken = take(make_zip([("one.py", b"1"), ("package/inner.py", b"i")]))
        assert taken.name == "work"
        assert content(taken) == {"one.py": "1", "package/inner.py": "i"}

    def test_module(self, tmp_path, take):
        """A single module is a submission too."""
        taken = take(write(tmp_path / "ada", one="1") / "one.py")
        assert taken.name == "one"
        assert content(taken) == {"one.py": "1"}

    def test_upper_case_suffix(self, tmp_path, make_zip, take):
        """A zip from a system that likes capitals is a zip."""
        assert content(take(make_zip([("one.py", b"1")]).rename(tmp_path / "WORK.ZIP")))

    @pytest.mark.parametrize("name", ["one.txt", "one", "one.tar.xz", "one.pdf"])
    def test_other_files(self, tmp_path, refused, name):
        """Anything else is refused, and the sentence says what to hand in."""
        (tmp_path / name).write_text("x")
        assert ".zip" in refused(tmp_path / name)

    @pytest.mark.parametrize("name", ["fifo.py", "fifo.zip", "fifo"])
    def test_special_file(self, tmp_path, refused, name):
        """A FIFO in a submission's place is refused rather than waited for."""
        os.mkfifo(tmp_path / name)
        assert ".zip" in refused(tmp_path / name)

    def test_link_to_a_submission(self, tmp_path, take):
        """A link that the instructor made is followed, and stands for what it points to."""
        (tmp_path / "link").symlink_to(write(tmp_path / "ada", one="1"))
        taken = take(tmp_path / "link")
        assert taken.name == "ada"
        assert content(taken) == {"one.py": "1"}

    @pytest.mark.parametrize("name", ["..zip", "...zip", "a b.zip", "ä.zip", "-.zip", "%s.zip"])
    def test_strange_names(self, tmp_path, make_zip, take, into, name):
        """However an archive is called, its copy lies below our folder."""
        taken = take(make_zip([("one.py", b"1")]).rename(tmp_path / name))
        assert content(taken) == {"one.py": "1"}
        assert taken.folder.resolve().is_relative_to(into.resolve())
        assert taken.folder.resolve() != into.resolve()

    def test_two_of_one_name(self, tmp_path, take):
        """Submissions of one name don't get in each other's way."""
        first = take(write(tmp_path / "a" / "ada", one="1"))
        second = take(write(tmp_path / "b" / "ada", one="2"))
        assert (content(first), content(second)) == ({"one.py": "1"}, {"one.py": "2"})

    def test_discard(self, tmp_path, take, into):
        """Nothing stays of a submission that was graded, at whatever depth its modules lay."""
        for source in (write(tmp_path / "flat", one="1"), tmp_path / "deep"):
            write(source / "x" / "y", two="2")
            discard(take(source), into)
        assert list(into.iterdir()) == []


class TestWhereTheModulesAre:
    def test_nested_folder(self, make_zip, take):
        """Modules in a folder of the archive, as a zipped folder has them, are found."""
        taken = take(make_zip([("ada/hw/one.py", b"1"), ("ada/hw/helper.py", b"h")]))
        assert content(taken) == {"one.py": "1", "helper.py": "h"}
        assert taken.notes == ()

    def test_shallowest_counts(self, tmp_path, take):
        """Of several copies the one nearest to the top is graded."""
        source = write(tmp_path / "ada", one="new")
        write(source / "backup", one="old")
        assert content(take(source))["one.py"] == "new"

    def test_several_at_one_depth(self, tmp_path, take):
        """Which of two copies of one depth was graded is said."""
        source = tmp_path / "ada"
        for name in ("first", "second"):
            write(source / name, one=name)
        taken = take(source)
        assert content(taken) == {"one.py": "first"}
        assert "first" in taken.notes[0]
        assert "second" in taken.notes[0]

    def test_none(self, tmp_path, take):
        """Where no module of the course is, the note says what there is instead."""
        (note,) = take(write(tmp_path / "ada", One="1", solution="2")).notes
        assert "one.py, two.py" in note
        assert "One.py" in note
        assert "solution.py" in note

    def test_empty_folder(self, tmp_path, take):
        """An empty folder is a submission with nothing in it."""
        (tmp_path / "ada").mkdir()
        taken = take(tmp_path / "ada")
        assert content(taken) == {}
        assert "no Python files" in taken.notes[0]

    def test_note_stays_short(self, tmp_path, take):
        """A sentence lists some names, never a thousand."""
        for source in (tmp_path / "files", tmp_path / "folders"):
            for i in range(200):
                if source.name == "files":
                    write(source, **{f"{'x' * 100}{i}": ""})
                else:
                    write(source / f"{'y' * 100}{i}", one="1")
            (note,) = take(source).notes
            assert "190 more" in note or "189 more" in note
            assert len(note) < 2000

    def test_names_are_made_fit_to_be_shown(self, tmp_path, take):
        """A name that is no text, or would steer a terminal, does neither in the report."""
        folder = tmp_path / "ada"
        folder.mkdir()
        for name in (b"\xff\xfe.py", b"\x1b[31mred.py", b"line\nbreak.py"):
            Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
        (note,) = take(folder).notes
        assert note.isprintable()
        note.encode()
        strange = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9\x07"))
        taken = take(strange)
        assert taken.name.isprintable()
        taken.name.encode()


class TestWhatIsPassedOver:
    PATHS = (
        "__MACOSX/one.py", "__MACOSX/._one.py", "._one.py", ".git/one.py", ".hidden.py",
        "__pycache__/one.cpython-311.pyc", "venv/lib/one.py", ".venv/one.py", "env/one.py",
        "node_modules/x.py", "lib/site-packages/torch/one.py", ".DS_Store",
    )  # fmt: skip

    def test_in_a_zip(self, make_zip, take):
        """What systems and tools add to an archive is no part of the submission."""
        entries = [(name, b"junk") for name in self.PATHS]
        assert content(take(make_zip([*entries, ("hw/one.py", b"1")]))) == {"one.py": "1"}

    def test_in_a_folder(self, tmp_path, take):
        """The same holds for a folder."""
        source = write(tmp_path / "ada", one="1")
        for name in self.PATHS:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text("junk")
        assert content(take(source)) == {"one.py": "1"}

    def test_does_not_count(self, tmp_path, take):
        """A virtual environment in the folder does not use up the submission's size."""
        source = write(tmp_path / "ada", one="1")
        (source / "venv").mkdir()
        with (source / "venv" / "big").open("wb") as file:
            file.truncate(unpack.MAX_BYTES + 1)
        assert content(take(source)) == {"one.py": "1"}


class TestFolders:
    def test_links_are_not_followed(self, tmp_path, take):
        """A link in a folder, to a file or a folder, brings nothing in."""
        secret = write(tmp_path / "secret", two="hidden checks")
        source = write(tmp_path / "ada", one="1")
        (source / "two.py").symlink_to(secret / "two.py")
        (source / "folder").symlink_to(secret)
        (source / "loop").symlink_to(source)
        (source / "dangling").symlink_to("nowhere")
        assert content(take(source)) == {"one.py": "1"}

    def test_special_files(self, tmp_path, take):
        """FIFOs and sockets are neither read nor waited for."""
        source = write(tmp_path / "ada", one="1")
        os.mkfifo(source / "two.py")
        with socket.socket(socket.AF_UNIX) as listener:
            with contextlib.chdir(source):
                listener.bind("socket.py")
            assert content(take(source)) == {"one.py": "1"}

    def test_too_many_files(self, tmp_path, refused, monkeypatch):
        """More files than a submission needs are refused."""
        monkeypatch.setattr(unpack, "MAX_FILES", 5)
        source = write(tmp_path / "ada", **{f"m{i}": "" for i in range(6)})
        assert "more than 5 files" in refused(source)

    def test_too_large(self, tmp_path, refused):
        """A huge file, sparse or not, is refused before it fills our disk."""
        source = write(tmp_path / "ada", one="1")
        with (source / "big").open("wb") as file:
            file.truncate(1 << 40)
        assert "larger than 64 MB" in refused(source)

    def test_too_deep(self, tmp_path, refused):
        """Folders nested without end are refused."""
        deep = tmp_path / "ada" / Path(*["d"] * 50)
        write(deep, one="1")
        assert "nested" in refused(tmp_path / "ada")

    @pytest.mark.parametrize("what", ["file", "folder", "module", "zip"])
    def test_unreadable(self, staging, ordinary_user, what):
        """What an ordinary user may not read is named."""
        base = Path(tempfile.mkdtemp(dir=staging))
        into = base / "into"
        source = write(base / "ada", one="1")
        write(source / "folder", two="2")
        archive = base / "ada.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("one.py", "1")
        into.mkdir()
        base.chmod(0o755)
        into.chmod(0o777)
        hidden = {"file": source / "one.py", "module": source / "one.py"}
        hidden |= {"folder": source / "folder", "zip": archive}
        hidden[what].chmod(0)
        path = {"module": source / "one.py", "zip": archive}.get(what, source)
        with ordinary_user(), pytest.raises(SubmissionError) as caught:
            take_in(path, MODULES, into)
        assert "ermission denied" in str(caught.value)
        assert hidden[what].name in str(caught.value)


@pytest.fixture
def ordinary_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """To be, for a while, a user whom file permissions stop."""

    @contextlib.contextmanager
    def become() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)

    return become


class TestPermissions:
    @pytest.mark.parametrize("kind", ["folder", "zip"])
    def test_a_worker_can_read_the_copy(self, tmp_path, make_zip, into, kind):
        """Whatever the umask and the modes of the original, a worker may read the copy."""
        source = write(tmp_path / "ada" / "hw", one="1").parent
        (source / "hw" / "one.py").chmod(0o700)
        path = source if kind == "folder" else make_zip([("hw/one.py", b"1")])
        before = os.umask(0o077)
        try:
            taken = take_in(path, MODULES, into)
        finally:
            os.umask(before)
        assert stat.S_IMODE((taken.folder / "one.py").stat().st_mode) == 0o644
        for folder in (taken.folder, taken.folder.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def entry(name: str, mode: int = 0, **fields: object) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    for field, value in fields.items():
        setattr(info, field, value)
    return info


class TestHostileZips:
    @pytest.mark.parametrize(
        "name",
        [
            "../one.py", "a/../../one.py", "/etc/one.py", "//one.py", "..", "/",
            "..\\one.py", "a\\..\\..\\one.py",
        ],
    )  # fmt: skip
    def test_traversal(self, make_zip, refused, tmp_path, name):
        """A name that leads out of the archive refuses all of it, and nothing is written."""
        before = set(tmp_path.iterdir())
        assert "outside its folder" in refused(make_zip([("one.py", b"1"), (name, b"evil")]))
        assert set(tmp_path.iterdir()) - before == {tmp_path / "work.zip"}

    @pytest.mark.parametrize("kind", ["S_IFLNK", "S_IFIFO", "S_IFCHR", "S_IFBLK", "S_IFSOCK"])
    def test_links_and_devices(self, make_zip, refused, kind):
        """An entry that is a link or a device refuses the archive."""
        special = entry("two.py", getattr(stat, kind) | 0o777)
        assert "link or special file" in refused(make_zip([(special, b"/etc/passwd")]))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize(
        "names",
        [("one.py", "one.py"), ("one.py", "./one.py"), ("a", "a/one.py"), ("a/one.py", "a")],
    )
    def test_two_files_of_one_name(self, make_zip, refused, names):
        """Two entries for one place refuse the archive: which one counts would be a guess."""
        assert "two files of one name" in refused(make_zip([(name, b"1") for name in names]))

    @pytest.mark.parametrize("name", [f"{'x' * 300}.py", "a/" * 10 + "y" * 300, "x" * 60_000])
    def test_names_that_no_disk_takes(self, make_zip, refused, name):
        """A name too long for a file is the archive's fault, not our disk's."""
        assert "can't be used" in refused(make_zip([("one.py", b"1"), (name, b"2")]))

    def test_file_in_a_file(self, make_zip, refused):
        """A file that other entries take for a folder refuses the archive."""
        assert "can't be used" in refused(make_zip([("a", b"1"), ("a/b/one.py", b"2")]))

    def test_too_deep(self, make_zip, refused):
        """Folders nested without end are refused."""
        assert "nested" in refused(make_zip([("d/" * 500 + "one.py", b"1")]))

    def test_too_many_files(self, make_zip, refused):
        """Ten thousand files are refused, those of empty content too."""
        assert "files" in refused(make_zip([(f"m{i}.py", b"") for i in range(10_000)]))

    def test_bomb(self, make_zip, refused):
        """An archive that grows beyond the bound is refused."""
        zeros = bytes(1 << 20)
        path = make_zip([("one.py", b"1"), ("bomb", zeros * 65)])
        assert path.stat().st_size < 1 << 20
        assert "larger than 64 MB" in refused(path)

    def test_bomb_that_lies_about_its_size(self, make_zip, refused):
        """What counts is what comes out, not what the archive announces."""
        path = make_zip([("bomb", bytes(65 << 20))])
        data = path.read_bytes()
        announced = struct.pack("<I", 65 << 20)
        assert data.count(announced) == 2
        path.write_bytes(data.replace(announced, struct.pack("<I", 10)))
        refused(path)

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_unusual_compression(self, make_zip, refused, method):
        """Compression that can't be unpacked in small pieces is refused."""
        assert "unusual" in refused(make_zip([("one.py", b"1")], method))

    def test_encrypted(self, make_zip, refused):
        """An archive with a password is refused, and the sentence says why."""
        path = make_zip([("one.py", b"1")])
        data = bytearray(path.read_bytes())
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(signature) + offset] |= 1
        path.write_bytes(data)
        assert "password" in refused(path)

    @pytest.mark.parametrize("entries", [[], [("hw/", b"")]])
    def test_empty(self, make_zip, refused, entries):
        """An archive without a file is refused."""
        assert "empty" in refused(make_zip(entries))

    def test_root_entry(self, make_zip, take):
        """An entry for the archive's own top folder, as some programs write it, is no harm."""
        path = make_zip([("./", b""), ("./one.py", b"1")])
        assert content(take(path)) == {"one.py": "1"}

    def test_backslashes(self, make_zip, take):
        """Names with a Windows program's separators are folders and files."""
        info = entry("x")
        info.filename = "hw\\one.py"
        assert content(take(make_zip([(info, b"1"), ("hw\\two.py", b"2")]))) == {
            "one.py": "1",
            "two.py": "2",
        }

    @pytest.mark.parametrize(
        "data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x1f\x8b" + bytes(50), b"Rar!\x1a\x07"]
    )
    def test_no_zip(self, tmp_path, refused, data):
        """A file that only has a zip's name is refused."""
        path = tmp_path / "work.zip"
        path.write_bytes(data)
        refused(path)


def real_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hw/one.py", "def f():\n    return 1\n" * 5)
        archive.writestr("hw/two.py", "")
        archive.writestr("hw/data.bin", bytes(range(256)))
    return buffer.getvalue()


@settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_damaged_zip_is_taken_or_refused(data):
    """A zip with bytes changed, cut out or put in is a submission or a sentence, never else."""
    archive = bytearray(real_zip())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(archive)))
        length = data.draw(st.integers(0, 4))
        archive[at : at + length] = data.draw(st.binary(max_size=4))
    with tempfile.TemporaryDirectory() as base:
        path, into = Path(base, "work.zip"), Path(base, "into")
        path.write_bytes(archive)
        into.mkdir()
        with contextlib.suppress(SubmissionError):
            take_in(path, MODULES, into)


class TestTar:
    """What is true of zips is true of tar archives, plain and gzipped."""

    @pytest.fixture(params=["tar", "tar.gz", "tgz"])
    def make_tar(self, tmp_path, request):
        def make(*members: tuple[tarfile.TarInfo | str, bytes]) -> Path:
            path = tmp_path / f"work.{request.param}"
            with tarfile.open(path, "w:" if request.param == "tar" else "w:gz") as archive:
                for member, content in members:
                    info = tarfile.TarInfo(member) if isinstance(member, str) else member
                    info.size = len(content)
                    archive.addfile(info, BytesIO(content))
            return path

        return make

    def test_is_unpacked(self, make_tar, take):
        """Its modules are found, also in a folder in it."""
        folder = tarfile.TarInfo("hw/")
        folder.type = tarfile.DIRTYPE
        submission = take(make_tar((folder, b""), ("hw/one.py", b"x = 1\n")))
        assert submission.name == "work"
        assert (submission.folder / "one.py").read_text() == "x = 1\n"

    @pytest.mark.parametrize("name", ["../one.py", "/one.py", "hw/../../one.py"])
    def test_paths_outside(self, make_tar, refused, name):
        """A member that leaves the folder refuses the archive."""
        assert "outside" in refused(make_tar((name, b"x")))

    @pytest.mark.parametrize(
        "kind",
        [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE],
    )
    def test_links_and_devices(self, make_tar, refused, kind):
        """Links and devices refuse the archive."""
        info = tarfile.TarInfo("one.py")
        info.type, info.linkname = kind, "/etc/passwd"
        assert "link or special" in refused(make_tar((info, b"")))

    def test_bomb(self, make_tar, refused, monkeypatch):
        """What unpacks to more than a submission may be is refused, and not kept."""
        monkeypatch.setattr(unpack, "MAX_BYTES", 1 << 20)
        monkeypatch.setattr(unpack, "MAX_FILES", 5)
        assert "larger" in refused(make_tar(("one.py", b"\0" * (3 << 20))))

    def test_bomb_in_a_header(self, tmp_path, refused, monkeypatch):
        """A header that claims gigabytes costs none of them."""
        monkeypatch.setattr(unpack, "MAX_BYTES", 1 << 20)
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, 7 << 30
        (tmp_path / "work.tar").write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 10240)
        assert refused(tmp_path / "work.tar")

    @pytest.mark.parametrize("content", [b"", b"no tar", b"\x1f\x8b\x08 no gzip", b"\0" * 10240])
    def test_damaged_or_empty(self, tmp_path, refused, content):
        """What is no archive is refused in a sentence."""
        (tmp_path / "work.tar").write_bytes(content)
        assert "work.tar" in refused(tmp_path / "work.tar")

    def test_two_files_of_one_name(self, make_tar, refused):
        """The second would replace the first unseen."""
        assert "two files" in refused(make_tar(("one.py", b"1"), ("one.py", b"2")))


class TestNamesOfLibraries:
    @pytest.mark.parametrize("name", ["torch", "json", "random", "hypothesis"])
    def test_are_named_to_the_student(self, tmp_path, take, name):
        """A module that is named like a library does no harm, and the student is told."""
        submission = take(write(tmp_path / "ada", one="1", **{name: "x = 1"}))
        (note,) = submission.notes
        assert f"{name}.py" in note
        assert "name of its own" in note

    def test_other_helpers_are_welcome(self, tmp_path, take):
        """A helper module needs no remark."""
        assert take(write(tmp_path / "ada", one="1", helpers="x = 1")).notes == ()
