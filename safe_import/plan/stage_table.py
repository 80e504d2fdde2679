"""The stage table of one target: which columns it has, and how records become rows of it.

# Note [Stage columns]
``id`` numbers the records of a target, ``line`` is the line of the file, ``cleared`` lists the fields that the record
empties (``,name,phone,``). For each field that some record brings:

- ``v_<field>`` its encoded value; for a link the value that names the other record, when that is not text
- ``k0_<field>``, ``k1_<field>`` the folded text of a value that takes part in a key, without and with case folding
- ``o_<field>`` for a link to a record of the same row: the id of that record

A field is *brought* when one of these holds something. Columns are added when the first record brings them, so a model
of a hundred columns costs nothing for those that no file mentions. A batch is encoded column by column, because that is
several times faster than cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from safe_import.database.column_encoding import ColumnEncoder
from safe_import.database.folding import fold_all
from safe_import.errors import SpecError
from safe_import.plan.parts import is_text
from safe_import.spec.link import Link, OwnLink, Through
from safe_import.spec.target import Target, field_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import Field

    from safe_import.database.dialect import Dialect
    from safe_import.database.encoding import Misfit

ID, LINE, CLEARED = "id", "line", "cleared"


@dataclass(frozen=True, slots=True)
class OwnId:
    """In the place of ``own(...)``: the id of the record that the same row writes."""

    number: int


@dataclass(frozen=True, slots=True)
class StagedRecord:
    """A record on its way: its id, the line and kind of its row, and {field: value} as the spec yields it."""

    number: int
    line: int
    kind: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Some records on their way, column by column.

    Args:
        numbers, lines: the id of each record, and the line of its row.
        values: the values of each field that some of them bring, one a record; None where it does not.
        kinds: the kind of each record's row; all of the first unless given.
        emptied: for each field that some of them empty, the positions of those.
    """

    numbers: Sequence[int]
    lines: Sequence[int]
    values: Mapping[str, Sequence[Any]]
    kinds: Sequence[int] = ()
    emptied: Mapping[str, Sequence[int]] = field(default_factory=dict)


def by_column(records: Sequence[StagedRecord]) -> RecordColumns:
    """Puts the values of some records into columns. A field that is brought as None is emptied."""
    mappings = [record.values for record in records]
    values = {
        name: [mapping.get(name) for mapping in mappings]
        for name in dict.fromkeys(name for mapping in _distinct(mappings) for name in mapping)
    }
    emptied = {
        name: [at for at, value in enumerate(column) if value is None and name in mappings[at]]
        for name, column in values.items()
        if None in column
    }
    return RecordColumns(
        [record.number for record in records],
        [record.line for record in records],
        values,
        [record.kind for record in records],
        {name: positions for name, positions in emptied.items() if positions},
    )


class Unfit(NamedTuple):
    """A value that the column can't hold: the position of its record among those that were encoded, and why."""

    position: int
    field: str
    why: Misfit


@dataclass(frozen=True, slots=True)
class _FieldColumns:
    """The columns of one field: for its value, for its text in keys by case folding, for the id of an own record."""

    value: str | None
    encode: ColumnEncoder | None
    keys: tuple[tuple[str, bool], ...]
    own: str | None


@dataclass(eq=False)
class StageTable:
    """The stage table of ``target``; ``casefolds`` says how each of its links compares text."""

    target: Target
    dialect: Dialect
    casefolds: Mapping[str, bool]
    columns: list[str] = field(default_factory=lambda: [ID, LINE, CLEARED])
    _fields: dict[str, _FieldColumns] = field(default_factory=dict)
    _new: dict[str, str] = field(default_factory=dict)  # columns that the table does not have yet
    _cleared: set[str] = field(default_factory=set)  # the fields that some record empties

    @property
    def name(self) -> str:
        return f"si_{self.target.number}_stage"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that some record brought, in the order in which they came."""
        return tuple(self._fields)

    @property
    def plain_fields(self) -> tuple[str, ...]:
        return tuple(name for name in self._fields if name not in self.target.links)

    @property
    def joined_columns(self) -> tuple[str, ...]:
        """Those by which the plan finds records."""
        return tuple(name for name in self.columns if name in (ID, LINE) or name.startswith(("k0_", "k1_", "o_")))

    def create(self) -> None:
        self.dialect.create_temp(self.name, {ID: "bigint", LINE: "bigint", CLEARED: "text"})
        for name in self.target.key.fields:  # so that the plan finds the columns of the key even in an empty stage
            self._columns_of(name)
        self._add_columns()

    def encode(self, records: RecordColumns) -> tuple[dict[str, Sequence[Any]], list[Unfit]]:
        """A batch as {column: values}, and the values that do not fit, which are left out.

        A column that few batches need is left out of the others, and then holds NULL.
        """
        encoded: dict[str, Sequence[Any]] = {ID: records.numbers, LINE: records.lines}
        unfit: list[Unfit] = []
        for name, values in records.values.items():
            encoded |= self._encode_field(name, values, unfit)
        if records.emptied:
            encoded[CLEARED] = self._mark_cleared(records)
        self._add_columns()
        return encoded, unfit

    def _mark_cleared(self, records: RecordColumns) -> list[str | None]:
        cleared: list[str | None] = [None] * len(records.numbers)
        for name, positions in records.emptied.items():
            self._cleared.add(name)
            for at in positions:
                cleared[at] = f"{cleared[at] or ','}{name},"
        return cleared

    def _encode_field(
        self, name: str, values: Sequence[Any], unfit: list[Unfit]
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        columns = self._columns_of(name)
        if columns.own is not None and OwnId in set(map(type, values)):
            yield columns.own, [value.number if type(value) is OwnId else None for value in values]
            values = [None if type(value) is OwnId else value for value in values]
        for column, casefold in columns.keys:
            yield column, fold_all(values, casefold)
        if columns.encode is not None and columns.value is not None:
            encoded, misfits = columns.encode(values)
            unfit += [Unfit(position, name, why) for position, why in misfits]
            yield columns.value, encoded
        elif columns.own is not None and not columns.keys and any(value is not None for value in values):
            raise SpecError(f"{self.target.label}.{name} is a relation: declare links={{{name!r}: Link(...)}}.")

    # -- columns

    def _columns_of(self, name: str) -> _FieldColumns:
        """The columns of a field, added when it is brought for the first time."""
        if name not in self._fields:
            self.target.field(name)
            link = self.target.links.get(name)
            self._fields[name] = self._plain_columns(name) if link is None else self._link_columns(name, link)
        return self._fields[name]

    def _plain_columns(self, name: str) -> _FieldColumns:
        field = self.target.field(name)
        keys = tuple(self._key_column(name, casefold) for casefold in sorted(self._folds(name, field)))
        return _FieldColumns(self._value_column(name, field), self._encoder(field), keys, None)

    def _folds(self, name: str, field: Field[Any, Any]) -> set[bool]:
        """The ways in which keys compare the text of a plain field: in our own key, and in compound keys of links."""
        if not is_text(field):
            return set()
        own = {self.target.key.casefold} if name in self.target.key.fields else set()
        compound = {
            self.casefolds[link_name]
            for link_name, link in self.target.links.items()
            if isinstance(link, Link) and name in link.by.values()
        }
        return own | compound

    def _link_columns(self, name: str, link: Link | Through | OwnLink) -> _FieldColumns:
        if isinstance(link, Through):
            raise SpecError(f"{self.target.label}.{name} is taken through {link.link}; the method must not yield it.")
        own = self._add(f"o_{name}", "bigint")
        if isinstance(link, OwnLink):
            return _FieldColumns(None, None, (), own)
        theirs = next((their for their, ours in link.by.items() if ours in (None, name)), None)
        if theirs is None:
            raise SpecError(f"{self.target.label}.{name} is found by other fields only; the method must not yield it.")
        field = field_of(self.target.linked_model(link), theirs)
        if is_text(field):
            return _FieldColumns(None, None, (self._key_column(name, self.casefolds[name]),), own)
        return _FieldColumns(self._value_column(name, field), self._encoder(field), (), own)

    def _encoder(self, field: Field[Any, Any]) -> ColumnEncoder:
        return ColumnEncoder(field, self.dialect.connection, self.dialect.base_type(field))

    def _value_column(self, name: str, field: Field[Any, Any]) -> str:
        return self._add(f"v_{name}", self.dialect.base_type(field))

    def _key_column(self, name: str, casefold: bool) -> tuple[str, bool]:
        return self._add(f"k{int(casefold)}_{name}", self.dialect.key_type), casefold

    def _add(self, column: str, type_: str) -> str:
        if column not in self.columns:
            self._new[column] = type_
            self.columns.append(column)
        return column

    def _add_columns(self) -> None:
        if self._new:
            with self.dialect.defining():
                for column, type_ in self._new.items():
                    self.dialect.add_temp_column(self.name, column, type_)
            self._new.clear()

    # -- conditions of the plan

    def value(self, column: str, alias: str = "s") -> str:
        """A column of this table, by its name alone where it has no alias; NULL where no record brought it."""
        qualifier = f"{alias}." if alias else ""
        return f"{qualifier}{self.dialect.quote(column)}" if column in self.columns else "NULL"

    def cleared(self, name: str, alias: str = "s") -> str:
        """A condition: the record empties the field ``name``."""
        if name not in self._cleared:
            return "FALSE"
        return f"coalesce(replace({alias}.cleared, ',{name},', '') <> {alias}.cleared, FALSE)"

    def named(self, name: str) -> str:
        """A condition: the record names another one by the link ``name``."""
        columns = [f"{prefix}_{name}" for prefix in ("o", "k0", "k1", "v")]
        held = [f"{self.value(column)} IS NOT NULL" for column in columns if column in self.columns]
        return f"({' OR '.join(held)})" if held else "FALSE"


def _distinct(mappings: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """The sets of fields that the records bring, each once."""
    return iter(dict.fromkeys(map(tuple, mappings)))
