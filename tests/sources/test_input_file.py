"""What can't be read as a file is refused with a reason; what can be read only once is spooled in private."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safe_import.errors import SourceError
from safe_import.sources import open_source
from safe_import.sources.input_file import InputFile

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

CONTENT = b"a,b\n1,2\n"


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def unprivileged() -> object:
    """A user whom permissions bind, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def _standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_missing_file_a_directory_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    """The message names the path as it was given."""
    with pytest.raises(SourceError, match=r"missing\.csv: there is no such file"):
        open_source(tmp_path / "missing.csv")
    with pytest.raises(SourceError, match="this is a directory"):
        open_source(tmp_path)
    (tmp_path / "empty.csv").touch()
    with pytest.raises(SourceError, match="the file is empty"):
        open_source(tmp_path / "empty.csv")


def test_a_file_without_permission_is_refused(unprivileged: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, not with a stack trace."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).chmod(0)
        with pytest.raises(SourceError, match="no permission"):
            open_source(file.name)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, settings: SettingsWrapper) -> None:
    """The error names the setting."""
    (tmp_path / "x.csv").write_bytes(CONTENT)
    settings.SAFE_IMPORT = {"MAX_FILE_SIZE": len(CONTENT)}
    open_source(tmp_path / "x.csv")
    settings.SAFE_IMPORT = {"MAX_FILE_SIZE": len(CONTENT) - 1}
    with pytest.raises(SourceError, match="MAX_FILE_SIZE"):
        open_source(tmp_path / "x.csv")


def test_standard_input_is_spooled_in_private_and_removed(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be read more than once, by its owner alone, and nothing of it stays."""
    _standard_input(monkeypatch, CONTENT)
    with open_source("-") as source:
        (spooled,) = spool.iterdir()
        assert stat.S_IMODE(spooled.stat().st_mode) == 0o600
        assert list(source.lines()) == list(source.lines()) == [(2, ["1", "2"])]
        assert (source.label, source.sha256()) == ("standard input", hashlib.sha256(CONTENT).hexdigest())
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"x" * 2_000, b"a\n\xff", b"PK\x03\x04"])
def test_nothing_stays_of_standard_input_that_is_refused(
    content: bytes, spool: Path, monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper
) -> None:
    """However it is refused."""
    settings.SAFE_IMPORT = {"MAX_FILE_SIZE": 1_000}
    _standard_input(monkeypatch, content)
    with pytest.raises(SourceError):
        open_source("-").header()
    assert list(spool.iterdir()) == []


def test_a_pipe_is_spooled(spool: Path, tmp_path: Path) -> None:
    """As a shell's process substitution gives one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(CONTENT,))
    writer.start()
    with open_source(pipe) as source:
        writer.join()
        assert list(source.lines()) == list(source.lines()) == [(2, ["1", "2"])]


def test_a_file_that_changes_under_way_is_refused(tmp_path: Path) -> None:
    """What is imported is what was validated: between two passes, and during one."""
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 50_000)
    source = open_source(path)
    lines = source.lines()
    next(lines)
    with path.open("ab") as file:
        file.write(b"3,4\n")
    with pytest.raises(SourceError, match="changed while"):
        list(lines)
    with pytest.raises(SourceError, match="changed while"):
        source.sha256()


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    """The hash of a file, as ``sha256sum`` gives it."""
    (tmp_path / "x").write_bytes(CONTENT * 300_000)
    assert InputFile(tmp_path / "x").sha256() == hashlib.sha256(CONTENT * 300_000).hexdigest()
