"""The stage table of one target: which columns it has, and how a record becomes a row of it.

# Note [Stage columns]
``id`` numbers the records of a target, ``line`` is the line of the file, ``cleared`` lists the fields that the record
empties (``,name,phone,``). For each field that some record brings:

- ``v_<field>`` its encoded value; for a link the value that names the other record, when that is not text
- ``k0_<field>``, ``k1_<field>`` the folded text of a value that takes part in a key, without and with case folding
- ``o_<field>`` for a link to a record of the same row: the id of that record

A field is *brought* when one of these holds something. Columns are added when the first record brings them, so a model
of a hundred columns costs nothing for those that no file mentions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Field, ForeignKey, TextField

from safe_import.database.encoding import Misfit
from safe_import.database.folding import fold
from safe_import.errors import SpecError
from safe_import.spec.link import AnyLink, Link, Own, OwnLink, Through
from safe_import.spec.target import Target, field_of

if TYPE_CHECKING:
    from safe_import.database.dialect import Dialect

Row = list[Any]
Fill = Callable[[Row, Any], None]
ID, LINE, CLEARED = "id", "line", "cleared"
KEY_TEXT = "key text"  # stands for the type of the k columns, which the dialect knows


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a key: the field of the keyed model, and where the stage has our value for it.

    ``column`` is a column of the stage table; or None, and ``link`` names the link whose record is meant.
    """

    field: Field[Any, Any]
    column: str | None
    link: str | None = None

    @property
    def text(self) -> bool:
        return is_text(self.field)


def is_text(field: Field[Any, Any]) -> bool:
    while isinstance(field, ForeignKey):
        field = field.target_field
    return isinstance(field, (CharField, TextField))


def key_parts(target: Target) -> tuple[Part, ...]:
    """The parts of the target's own key."""
    return tuple(_part(target, field_of(target.model, name), name, target.key.casefold) for name in target.key.fields)


def link_parts(target: Target, name: str, link: Link, casefold: bool) -> tuple[Part, ...]:
    """The parts of the key by which the link ``name`` of ``target`` finds its record."""
    model = target.linked_model(link)
    return tuple(_link_part(target, name, field_of(model, theirs), ours, casefold) for theirs, ours in link.by.items())


def _link_part(target: Target, name: str, theirs: Field[Any, Any], ours: str | None, casefold: bool) -> Part:
    if ours is None or ours == name:
        return Part(theirs, _value_column(name, theirs, casefold))
    return _part(target, theirs, ours, casefold)


def _part(target: Target, theirs: Field[Any, Any], ours: str, casefold: bool) -> Part:
    if ours in target.links:
        return Part(theirs, None, ours)
    return Part(theirs, _value_column(ours, target.field(ours), casefold))


def _value_column(name: str, field: Field[Any, Any], casefold: bool) -> str:
    return f"k{int(casefold)}_{name}" if is_text(field) else f"v_{name}"


@dataclass(eq=False)
class StageTable:
    """The stage table of ``target``; ``casefolds`` says how each of its links compares text."""

    target: Target
    dialect: Dialect
    casefolds: Mapping[str, bool]
    columns: dict[str, int] = field(default_factory=lambda: {ID: 0, LINE: 1, CLEARED: 2})
    _fills: dict[str, tuple[Fill, ...]] = field(default_factory=dict)
    _cleared: set[str] = field(default_factory=set)  # the fields that some record empties

    @property
    def name(self) -> str:
        return f"si_{self.target.number}_stage"

    def create(self) -> None:
        self.dialect.create_temp(self.name, {ID: "bigint", LINE: "bigint", CLEARED: "text"})
        for name in self.target.key.fields:  # so that the plan finds the columns of the key even in an empty stage
            self._fill_for(name)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that some record brought, in the order in which they came."""
        return tuple(self._fills)

    @property
    def plain_fields(self) -> tuple[str, ...]:
        return tuple(name for name in self._fills if name not in self.target.links)

    def row(
        self, number: int, line: int, record: Mapping[str, Any], own: Mapping[Any, int]
    ) -> tuple[Row, list[tuple[str, Misfit]]]:
        """A row of this table, and the fields whose values the columns can't hold.

        Args:
            number: the id of the record.
            line: the line of the file.
            record: {field: value} as a spec yields it.
            own: the id of the record that the same row writes, by model.
        """
        row: Row = [None] * len(self.columns)
        row[0], row[1] = number, line
        misfits: list[tuple[str, Misfit]] = []
        for name, value in record.items():
            try:
                for fill in self._fills.get(name) or self._fill_for(name):
                    if len(row) < len(self.columns):
                        row.extend([None] * (len(self.columns) - len(row)))
                    fill(row, self._own_id(name, value, own) if type(value) is Own else value)
            except Misfit as misfit:
                misfits.append((name, misfit))
        return row, misfits

    def _own_id(self, name: str, value: Own, own: Mapping[Any, int]) -> _OwnId:
        try:
            return _OwnId(own[value.model])
        except KeyError:
            raise SpecError(
                f"{self.target.label}.{name} is own({value.model.__name__}), but the row writes no such record, or several."
            ) from None

    # -- columns

    def _fill_for(self, name: str) -> tuple[Fill, ...]:
        """Adds the columns of a field that is brought for the first time."""
        self.target.field(name)
        link = self.target.links.get(name)
        fills = tuple(self._link_fills(name, link) if link else self._plain_fills(name))
        self._fills[name] = fills
        return fills

    def _plain_fills(self, name: str) -> Iterator[Fill]:
        field = self.target.field(name)
        yield self._value_fill(name, field, self._add(f"v_{name}", self.dialect.base_type(field)))
        for casefold in sorted(self._folds(name, field)):
            yield self._key_fill(name, self._add(f"k{int(casefold)}_{name}", KEY_TEXT), casefold)

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

    def _link_fills(self, name: str, link: AnyLink) -> Iterator[Fill]:
        if isinstance(link, Through):
            raise SpecError(f"{self.target.label}.{name} is taken through {link.link}; the method must not yield it.")
        own_column = self._add(f"o_{name}", "bigint")
        if isinstance(link, OwnLink):
            yield _own_or(own_column, self._no_link(name), self._clear(name))
            return
        theirs = next((their for their, ours in link.by.items() if ours in (None, name)), None)
        if theirs is None:
            raise SpecError(f"{self.target.label}.{name} is found by other fields only; the method must not yield it.")
        field = field_of(self.target.linked_model(link), theirs)
        if is_text(field):
            fill = self._key_fill(
                name, self._add(f"k{int(self.casefolds[name])}_{name}", KEY_TEXT), self.casefolds[name]
            )
        else:
            fill = self._value_fill(name, field, self._add(f"v_{name}", self.dialect.base_type(field)))
        yield _own_or(own_column, fill, self._clear(name))

    def _no_link(self, name: str) -> Fill:
        def refuse(row: Row, value: Any) -> None:
            raise SpecError(f"{self.target.label}.{name} is a relation: declare links={{{name!r}: Link(...)}}.")

        return refuse

    def _add(self, column: str, type_: str) -> int:
        if column not in self.columns:
            self.dialect.add_temp_column(self.name, column, self.dialect.key_type if type_ == KEY_TEXT else type_)
            self.columns[column] = len(self.columns)
        return self.columns[column]

    def _value_fill(self, name: str, field: Field[Any, Any], position: int) -> Fill:
        encode, clear = self.dialect.encoder(field), self._clear(name)

        def fill(row: Row, value: Any) -> None:
            if value is None:
                clear(row)
            else:
                row[position] = encode(value)

        return fill

    def _key_fill(self, name: str, position: int, casefold: bool) -> Fill:
        def fill(row: Row, value: Any) -> None:
            if value is not None:
                row[position] = fold(str(value), casefold)

        return fill

    def _clear(self, name: str) -> Callable[[Row], None]:
        def clear(row: Row) -> None:
            self._cleared.add(name)
            row[2] = f"{row[2] or ','}{name},"

        return clear

    # -- conditions of the plan, over the alias s of this table

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

    def value(self, column: str, alias: str = "s") -> str:
        """A column of this table; NULL where no record brought it."""
        return f"{alias}.{self.dialect.quote(column)}" if column in self.columns else "NULL"


@dataclass(frozen=True, slots=True)
class _OwnId:
    number: int


def _own_or(position: int, fill: Fill, clear: Callable[[Row], None]) -> Fill:
    """Fills in the id of a record of the same row, or else what ``fill`` does; None clears the link."""

    def choose(row: Row, value: Any) -> None:
        if type(value) is _OwnId:
            row[position] = value.number
        elif value is None:
            clear(row)
        else:
            fill(row, value)

    return choose
