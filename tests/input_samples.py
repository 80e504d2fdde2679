"""The row models and the rendering in which ``docs/input.md`` is written."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

from django.db.models import TextChoices
from pydantic import AliasChoices, Field, create_model

from safe_import.errors import SourceError
from safe_import.records import Problem, RawRow
from safe_import.sources import Source, open_source
from safe_import.sources.typescript import objects_in, open_typescript
from safe_import.spec.row import Row
from safe_import.stages.read import read
from safe_import.stages.validate import validate
from safe_import.types import (
    Boolean,
    Choice,
    Date,
    DateTime,
    Duration,
    Email,
    Integer,
    Json,
    Many,
    Number,
    NumberWithComma,
    Text,
    Time,
    Uuid,
    date_in,
    many,
    one_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from safe_import.records import Validated


class Stage(TextChoices):
    """A vocabulary with labels."""

    EARLY = "EARLY", "Early days"
    NON_TECH = "NON_TECH", "Not technical"


TYPES: dict[str, Any] = {
    "Text": Text,
    "Text, max_length=5": Annotated[Text, Field(max_length=5)],
    "Email": Email,
    "Integer": Integer,
    "Integer, ge=1": Annotated[Integer, Field(ge=1)],
    "Number": Number,
    "Number, max_digits=5, decimal_places=2": Annotated[Number, Field(max_digits=5, decimal_places=2)],
    "NumberWithComma": NumberWithComma,
    "Boolean": Boolean,
    "Date": Date,
    'date_in("%d.%m.%Y")': Annotated[dt.date, date_in("%d.%m.%Y")],
    'date_in("%d/%m/%Y", "%m/%d/%Y")': Annotated[dt.date, date_in("%d/%m/%Y", "%m/%d/%Y")],
    "DateTime": DateTime,
    "Time": Time,
    "Duration": Duration,
    "Uuid": Uuid,
    "Choice[Stage]": Choice[Stage],
    'one_of(("CEO", "HR Manager"))': Annotated[str, one_of(("CEO", "HR Manager"))],
    "Many": Many,
    'many("/")': Annotated[tuple[str, ...], many("/")],
    "Json": Json,
}


class PersonRow(Row):
    """The one kind of row of a file."""

    clearable = ("size",)

    name: Text = Field(max_length=20, validation_alias=AliasChoices("name", "full name"))
    email: Email | None = Field(None, validation_alias="Email")
    size: Integer | None = None


class CellRow(Row):
    """A key, and beside it a cell of some type, which may be cleared."""

    clearable = ("cell",)

    key: Text
    cell: Text | None = None


class LadderRow(Row):
    """One of three kinds of rows in a file."""

    ladder: Text = Field(validation_alias="ladder_code")
    name: Text = Field(validation_alias=AliasChoices("ladder_name", "ladder_title"))
    description: Text | None = Field(None, validation_alias="ladder_description")


class AspectRow(Row):
    """Another kind, which names a ladder."""

    ladder: Text = Field(validation_alias="ladder_code")
    code: Text = Field(validation_alias="aspect_code")
    name: Text = Field(validation_alias=AliasChoices("aspect_name", "aspect_title"))
    order: Integer | None = Field(None, validation_alias="aspect_order")


class LevelRow(Row):
    """The third, which names an aspect of a ladder."""

    ladder: Text = Field(validation_alias="ladder_code")
    aspect: Text = Field(validation_alias="aspect_code")
    level: Integer = Field(validation_alias=AliasChoices("level", "level_number"))
    weight: Number | None = None


KINDS = (LadderRow, AspectRow, LevelRow)


def validated(field_type: Any, value: Any) -> Validated:
    """One value, validated as the only cell of a row."""
    model = create_model("CellRow", __base__=Row, cell=(field_type, ...))
    (result,) = validate([RawRow(2, 0, {"cell": value})], (model,), ({"cell": "Cell"},))
    return result


def value_outcome(type_name: str, cell: str) -> str:
    """What becomes of one cell, as the table of values says it."""
    result = validated(TYPES[type_name], cell)
    if result.row is not None:
        return f"`{result.row.cell!r}`"
    return "<br>".join(f"`{problem.code}` {problem.message}" for problem in result.problems)


def cell_outcome(path: Path, type_name: str) -> str:
    """What becomes of the one cell of a file, as the table of formats says it; see ``tests.written_cells``."""
    model = create_model("CellRow", __base__=CellRow, cell=(TYPES[type_name] | None, None))
    try:
        with _opened(path) as source:
            reading = read(source, (model,))
            (result,) = validate(reading.rows(), (model,), reading.columns)
    except SourceError as error:
        return f"refused: {error}".replace(path.name, "people")
    if result.row is None:
        return "<br>".join(f"`{problem.code}` {problem.message}" for problem in result.problems)
    brought = result.row.brought("cell")
    return "not brought" if not brought else "emptied" if brought["cell"] is None else f"`{brought['cell']!r}`"


def _opened(path: Path) -> Source:
    if path.suffix == ".ts":
        return open_typescript(path, lambda text, label: objects_in(text, ["rows"], label)["rows"])
    return open_source(path)


def file_outcome(path: Path, content: bytes, rows: Sequence[type[Row]]) -> str:
    """What becomes of a file, as the tables of files say it: problems, notes and rows."""
    path.write_bytes(content)
    lines: list[str] = []
    try:
        with open_source(path) as source:
            reading = read(source, rows)
            lines += [_rendered(problem) for problem in (*reading.problems, *reading.notes)]
            for result in validate(reading.rows(), rows, reading.columns):
                lines += [_rendered(problem) for problem in result.problems]
                if result.row is not None:
                    kind = f"{result.row.kind_name()} " if len(rows) > 1 else ""
                    brought = result.row.brought(*type(result.row).model_fields)
                    lines.append(f"line {result.line}: {kind}`{brought}`")
    except SourceError as error:
        lines.append(f"refused: {error}".replace(f"{path.parent}/", ""))
    return "<br>".join(lines)


def _rendered(problem: Problem) -> str:
    return f"`{problem.code}` {problem}"
