"""What MariaDB's columns are, and how their values are staged, compared and written as text.

# Note [Collations]
Two texts are the same value when their characters are, so every comparison of ours goes by ``utf8mb4_nopad_bin``:
code point by code point, trailing blanks included. The collation of a column usually ignores case; it decides what the
unique indexes of the table take for the same, which the plan asks for by ``tells_apart``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models

from safe_import.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safe_import.database.dialect import Field

EXACT = "utf8mb4_nopad_bin"
"""The collation to which texts are equal when their characters are."""

CATALOG = """
    SELECT column_name, data_type, column_type, character_set_name, collation_name, character_maximum_length,
           numeric_precision, numeric_scale, datetime_precision
    FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"""

_WHOLE = {"tinyint": 2**8, "smallint": 2**16, "mediumint": 2**24, "int": 2**32, "bigint": 2**64}
_TEXTS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}
_BYTES = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
_TIMES = {"datetime", "time"}
_AS_THEY_ARE = {"date", "year", "uuid", "inet4", "inet6"}
_LONG = {"text", "mediumtext", "longtext", "blob", "mediumblob", "longblob"}
_KNOWN = _WHOLE.keys() | _TEXTS | _BYTES | _TIMES | _AS_THEY_ARE | {"decimal", "float", "double"}


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column as the database describes it."""

    name: str
    kind: str
    type: str
    charset: str | None
    collation: str | None
    length: int | None
    precision: int | None
    scale: int | None
    fraction: int | None

    @property
    def unsigned(self) -> bool:
        return "unsigned" in self.type

    @property
    def holds_bytes(self) -> bool:
        return self.kind in _BYTES

    def own_type(self) -> str:
        """The type with all that decides how conditions over it are judged."""
        return f"{self.type} CHARACTER SET {self.charset} COLLATE {self.collation}" if self.charset else self.type

    def base_type(self, places: int) -> str:
        """Without length or precision, so that nothing is cut; ``places`` is how many decimals the field may have."""
        if self.kind in _WHOLE:
            return "bigint unsigned" if self.unsigned and self.kind == "bigint" else "bigint"
        if self.kind == "decimal":
            return f"decimal(65,{max(self.scale or 0, places)})"
        if self.kind in _TIMES:
            return f"{self.kind}(6)"
        if self.kind in _AS_THEY_ARE:
            return self.type
        return "double" if self.kind in ("float", "double") else "longblob" if self.kind in _BYTES else "longtext"

    def cast(self, sql: str) -> str:
        """A value of the base type, or one that is written as text, as this column's own type."""
        if self.kind in _WHOLE:
            return f"CAST({sql} AS {'unsigned' if self.unsigned else 'signed'})"
        if self.kind in ("float", "double"):
            return f"CAST({sql} AS double)"
        if self.charset == "utf8mb4":  # with its collation, or it could not be told which holds beside a column
            return f"(CONVERT({sql} USING utf8mb4) COLLATE {self.collation})"
        typed = self.kind in _TIMES | _AS_THEY_ARE - {"year"} or self.kind == "decimal"
        return f"CAST({sql} AS {self.type.removesuffix(' unsigned')})" if typed else sql

    def lossy(self, sql: str) -> str | None:
        """A condition that holds when the column would cut, round or change the staged value ``sql``."""
        if self.kind in _WHOLE:
            if self.kind == "bigint":
                return None
            size = _WHOLE[self.kind]
            low, high = (0, size - 1) if self.unsigned else (-size // 2, size // 2 - 1)
            return f"{sql} NOT BETWEEN {low} AND {high}"
        if self.kind == "decimal":
            whole = (self.precision or 0) - (self.scale or 0)
            return f"(abs({sql}) >= 1{'0' * whole} OR round({sql}, {self.scale}) <> {sql})"
        if self.kind in _TIMES:
            return f"{self.cast(sql)} <> {sql}" if self.fraction != 6 else None  # microseconds
        if self.kind == "float":
            return f"CAST(CAST({sql} AS float) AS double) <> {sql}"
        if self.charset or self.kind in _BYTES:
            measure = "char_length" if self.kind in ("char", "varchar", "enum", "set") else "octet_length"
            return f"{measure}({sql}) > {self.length}"
        return None

    def text(self, sql: str) -> str:
        """A lossless text form of a value."""
        if self.kind in _BYTES:
            return exact(f"HEX({sql})")
        return exact(f"CAST({sql} AS double)" if self.kind == "float" else sql)

    def from_text(self, sql: str) -> str:
        return f"UNHEX({sql})" if self.kind in _BYTES else self.cast(sql)

    def differs(self, left: str, right: str) -> str:
        if self.kind in _TEXTS:
            left, right = exact(left), exact(right)
        return f"NOT ({left} <=> {right})"

    def tells_apart(self) -> bool:
        """Whether a unique index over the column takes no two texts for the same: Note [Collations]."""
        return self.collation is None or self.collation.endswith("_nopad_bin")

    def printed(self, sql: str) -> str:
        """The value as part of what is hashed; a long one as a hash itself, so that no packet is too small for all."""
        text = self.text(sql)
        return f"md5({text})" if self.kind in _LONG else f"concat(octet_length({text}), ':', {text})"


def exact(sql: str) -> str:
    """A value as a text that is compared by its characters alone."""
    return f"(CONVERT({sql} USING utf8mb4) COLLATE {EXACT})"


def stored_columns(table: str, rows: Iterable[tuple[object, ...]]) -> dict[str, StoredColumn]:
    """What ``CATALOG`` says, by name.

    Raises:
        SpecError: a column is of a type whose values have no text form that keeps all of them.
    """
    columns = [StoredColumn(*row) for row in rows]  # type: ignore[arg-type]  # as CATALOG selects them
    for column in columns:
        if column.kind not in _KNOWN:
            raise SpecError(
                f"The column {table}.{column.name} is of the type {column.type}, which is not supported on MariaDB. "
                "Make it one that Django uses."
            )
    return {column.name: column for column in columns}


def target_of(field: Field) -> Field:
    """The field whose values a link holds."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field
