"""Format 1 of a backup: its names and its manifest, as ``docs/backup-format.md`` defines them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from safe_import.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
MANIFEST = "manifest.json"
LOCK = ".lock"
PINNED = "pinned"
PARTIAL = ".partial"

_LONGEST_STEM = 150

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
FileName = Annotated[str, Field(pattern=r"^[a-z0-9_%-][A-Za-z0-9_%.-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Chunk(_Part):
    """One file with some of the rows of one table."""

    file: FileName
    rows: Count
    plain_bytes: Count
    plain_sha256: Sha256
    stored_bytes: Count
    stored_sha256: Sha256


class ColumnEntry(_Part):
    """A column as it was."""

    name: str
    type: str
    nullable: bool
    generated: bool
    has_default: bool


class ConstraintEntry(_Part):
    """A constraint as it was."""

    name: str
    definition: str


class SchemaEntry(_Part):
    """What a table was."""

    columns: list[ColumnEntry]
    key: list[str]
    constraints: list[ConstraintEntry]


class SequenceEntry(_Part):
    """Where a sequence stood."""

    column: str
    sequence: str
    position: int | None


class TableEntry(_Part):
    """One table of a backup."""

    name: str
    scope: Literal["all", "rows"]
    rows: Count
    # "schema" is the word of the format; pydantic keeps that name for itself.
    shape: SchemaEntry = Field(alias="schema")
    sequences: list[SequenceEntry]
    chunks: list[Chunk]


class DatabaseEntry(_Part):
    """The database that was backed up."""

    vendor: str
    version: str


class EncryptionEntry(_Part):
    """How the chunks are encrypted, and to whom."""

    method: Literal["age"]
    recipients: list[str]


class Manifest(_Part):
    """What a backup holds, with the hashes that prove it."""

    format: Literal[1]
    id: str
    run: str | None
    name: str
    created: str
    writer: str
    database: DatabaseEntry
    migrations: list[str]
    encryption: EncryptionEntry | None
    fingerprint: Sha256
    tables: list[TableEntry]

    def files(self) -> set[str]:
        """Return the names of all chunks."""
        return {chunk.file for table in self.tables for chunk in table.chunks}

    @property
    def bytes(self) -> int:
        """How much the chunks take on the disk."""
        return sum(chunk.stored_bytes for table in self.tables for chunk in table.chunks)

    def table(self, name: str) -> TableEntry:
        """Return the entry of a table; BackupError when the backup has none of that name."""
        for table in self.tables:
            if table.name == name:
                return table
        raise BackupError(f"backup {self.id} holds no table {name!r}; it has {', '.join(t.name for t in self.tables)}")


def file_name(table: str, number: int, *, encrypted: bool) -> str:
    """Return the name of a table's chunk, counted from 1: harmless on every file system, told apart in either case."""
    stem = "".join(
        chr(byte) if re.fullmatch(rb"[a-z0-9_-]", bytes([byte])) else f"%{byte:02x}" for byte in table.encode()
    )
    if len(stem) > _LONGEST_STEM:
        stem = f"{stem[:_LONGEST_STEM]}-{hashlib.sha256(table.encode()).hexdigest()[:16]}"
    return f"{stem}{f'.{number}' if number > 1 else ''}.jsonl.zst{'.age' if encrypted else ''}"


def fingerprint(tables: list[TableEntry], migrations: list[str]) -> str:
    """Return the hash of all that a restore compares with the present schema."""
    schemas = {table.name: table.shape.model_dump() for table in tables}
    return _sha256(orjson.dumps({"migrations": migrations, "tables": schemas}, option=orjson.OPT_SORT_KEYS))


def render(manifest: Manifest) -> bytes:
    """Return the bytes of ``manifest.json``."""
    return _render(manifest.model_dump(by_alias=True))


def parse(data: bytes, path: Path) -> Manifest:
    """Return the manifest that ``data`` is.

    Raises:
        BackupError: it is of an unknown format, or not byte for byte what a writer of format 1 writes.
    """
    try:
        content = orjson.loads(data)["manifest"]
        version = content["format"]
    except (ValueError, TypeError, KeyError):
        raise BackupError(f"{path}: the manifest is damaged or was edited; use another backup") from None
    if version != FORMAT:
        raise BackupError(f"{path}: format {version!r} is not known to this release, which reads format {FORMAT}")
    if _render(content) != data:
        raise BackupError(f"{path}: the manifest is damaged or was edited; use another backup")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, problem["loc"]))
        raise BackupError(f"{path}: the manifest is not of format {FORMAT}: {place}: {problem['msg']}") from None


def _render(content: dict[str, Any]) -> bytes:
    digest = _sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps({"manifest": content, "sha256": digest}, option=options)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
