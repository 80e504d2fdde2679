"""Text that is packed is unpacked on the way, within limits; what is cut off is refused."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import zstandard

from safe_import.errors import SafeImportError, SourceError, UsageError
from safe_import.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_django.fixtures import SettingsWrapper

    Pack = Callable[[bytes], bytes]


def zst(content: bytes) -> bytes:
    """Pack as a stream, which does not tell its length beforehand."""
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return packer.compress(content) + packer.flush()


PACKS = pytest.mark.parametrize("pack", [gzip.compress, zst, zstandard.compress])


@PACKS
def test_packed_text_is_read_like_the_text(pack: Pack, tmp_path: Path) -> None:
    """Of every text format; the hash is that of the file."""
    for name, content in (
        ("a.csv", b"a,b\n1,2\n"),
        ("a.json", b'[{"a": "1", "b": "2"}]'),
        ("a.yml", b"- {a: 1, b: 2}"),
    ):
        packed = pack(content)
        (tmp_path / f"{name}.packed").write_bytes(packed)
        (tmp_path / f"{name}.gz").write_bytes(packed)
        with open_source(tmp_path / f"{name}.gz") as source:
            assert (source.header(), [list(cells) for _, cells in source.lines()]) == (["a", "b"], [["1", "2"]])
            assert list(source.lines()) == list(source.lines())
            assert source.sha256() == hashlib.sha256(packed).hexdigest()


@PACKS
def test_several_packed_files_in_one_are_one_text(pack: Pack, tmp_path: Path) -> None:
    """As ``cat`` joins them."""
    (tmp_path / "a.csv").write_bytes(pack(b"a,b\n1,2\n") + pack(b"3,4\n"))
    with open_source(tmp_path / "a.csv") as source:
        assert [list(cells) for _, cells in source.lines()] == [["1", "2"], ["3", "4"]]


@PACKS
def test_a_packed_file_that_is_cut_off_is_never_taken_for_a_shorter_one(pack: Pack, tmp_path: Path) -> None:
    """At every length."""
    content = pack(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(500)))
    for length in range(4, len(content) - 1, 5):
        (tmp_path / "a").write_bytes(content[:length])
        with pytest.raises(SourceError, match="damaged, or cut off"):
            list(open_source(tmp_path / "a").lines())


@PACKS
def test_a_damaged_packed_file_raises_our_own_exceptions(pack: Pack, tmp_path: Path) -> None:
    """Wherever a byte is changed."""
    content = pack(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(50)))
    for at in range(4, len(content)):
        (tmp_path / "a").write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            list(open_source(tmp_path / "a").lines())
        except SafeImportError:
            continue


@PACKS
def test_what_unpacks_to_too_much_is_refused_in_bounded_memory(
    pack: Pack, tmp_path: Path, settings: SettingsWrapper
) -> None:
    """By its ratio, or by its size; the error names the setting."""
    (tmp_path / "a").write_bytes(pack(b"a,b\n" + b"1,2\n" * 5_000_000))
    for name, limits in (
        ("MAX_ZIP_RATIO", {}),
        ("MAX_UNPACKED_SIZE", {"MAX_ZIP_RATIO": 10**9, "MAX_UNPACKED_SIZE": 10**6}),
    ):
        settings.SAFE_IMPORT = limits
        tracemalloc.start()
        try:
            with pytest.raises(SourceError, match=name):
                sum(1 for _ in open_source(tmp_path / "a").lines())
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def test_only_text_may_be_packed_and_only_once(tmp_path: Path) -> None:
    """A spreadsheet is packed already."""
    for content in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", gzip.compress(b"a\n1\n"), b"%PDF-1.7"):
        (tmp_path / "a.gz").write_bytes(gzip.compress(content))
        with pytest.raises(SourceError, match=r"this is .*, not delimited text"):
            open_source(tmp_path / "a.gz")


def test_an_option_that_means_nothing_for_the_format_is_refused(tmp_path: Path) -> None:
    """Rather than ignored."""
    (tmp_path / "a.csv").write_bytes(b"a\n1\n")
    (tmp_path / "a.json").write_bytes(b'[{"a": 1}]')
    with pytest.raises(UsageError, match="--sheet means nothing"):
        open_source(tmp_path / "a.csv", sheet="S1")
    with pytest.raises(UsageError, match="--delimiter means nothing"):
        open_source(tmp_path / "a.json", delimiter=",")
