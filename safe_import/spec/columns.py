"""Validates a block of rows column by column.

# Note [Columns]
pydantic validates a list of values several times as fast as the same values in models. So a block of rows in which
nothing is out of the ordinary goes its way as columns. A row that is broken or blank, a cell that does not validate,
the clear token: any of these sends its block the way of rows, which finds the words for what is wrong. Whether a block
goes one way or the other changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from safe_import.database.gaps import spread
from safe_import.spec.row import Row
from safe_import.spec.whole_columns import Column, at_once, column_adapter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic.fields import FieldInfo

    from safe_import.records import ValidColumns

_NONE = type(None)
_RULES_OF_ROWS = ("validators", "field_validators", "root_validators", "model_validators")
_HOOKS_OF_ROWS = ("__init__", "model_post_init", "__get_pydantic_core_schema__")


@lru_cache(maxsize=256)
def column_validator(model: type[Row]) -> ColumnValidator | None:
    """Return the validator of the columns of ``model``; None where a rule may look at more than one cell."""
    ruled = any(getattr(model.__pydantic_decorators__, rules) for rules in _RULES_OF_ROWS)
    hooked = any(_function(model, hook) is not _function(Row, hook) for hook in _HOOKS_OF_ROWS)
    constant = all(map(_has_constant_default, model.model_fields.values()))
    if ruled or hooked or not constant or model.model_config.get("validate_default"):
        return None
    adapters = {name: column_adapter(field, model.model_config) for name, field in model.model_fields.items()}
    sees_others = any(_is_told_of_others(each.core_schema) for each in adapters.values())
    return None if sees_others else ColumnValidator(model, adapters)


class ColumnValidator:
    """Validates the columns of one row model; made by ``column_validator``."""

    def __init__(self, model: type[Row], adapters: Mapping[str, Column]) -> None:
        self._required, self._adapters = frozenset(model.required()), adapters
        self._at_once = {name: at_once(adapter, model.model_config) for name, adapter in adapters.items()}

    def validated(self, columns: Mapping[str, Sequence[Any]], clear_token: str) -> dict[str, Sequence[Any]] | None:
        """Return the values of every column, None for a blank cell; or None where some row has to be looked at.

        Args:
            columns: for every field that the file has a column for, the cells, as ``RawColumns`` has them.
            clear_token: the cell that empties a field.
        """
        if not self._required <= columns.keys():
            return None
        values: dict[str, Sequence[Any]] = {}
        for name, cells in columns.items():
            brought, text = cells, _joined(cells)
            if text is None:  # not only texts
                brought = [cell for cell in cells if cell is not None]
                text = _joined(brought)
            if len(brought) < len(cells) and name in self._required:
                return None
            if brought:  # a column that no row brings is as good as none
                validated = self._validated(name, brought, text, clear_token)
                if validated is None:
                    return None
                values[name] = spread(validated, cells)
        return values

    def _validated(self, name: str, cells: Sequence[Any], text: str | None, clear_token: str) -> Sequence[Any] | None:
        """The values of cells of which none is blank."""
        if (text is None or clear_token in text) and clear_token in cells:
            return None
        known = self._at_once[name]
        values = known(cells, text) if known is not None and text is not None else None
        return self._one_by_one(name, cells) if values is None else values

    def _one_by_one(self, name: str, cells: Sequence[Any]) -> Sequence[Any] | None:
        try:
            values = self._adapters[name].validate_python(cells)
        except ValidationError:
            return None
        return None if _NONE in map(type, values) else values  # brought, and None: the row empties the field


def rows_of(model: type[Row], columns: ValidColumns) -> Iterator[Row]:
    """Return the rows that valid columns hold, the same as validation row by row gives."""
    names = tuple(columns.values)
    defaults = {name: field.default for name, field in model.model_fields.items()}
    for line, values in zip(columns.lines, zip(*columns.values.values(), strict=True), strict=True):
        brought = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        row = model.__new__(model)
        row.__setstate__(
            {
                "__dict__": {**defaults, **brought},
                "__pydantic_fields_set__": set(brought),
                "__pydantic_extra__": None,
                "__pydantic_private__": None,
            }
        )
        row.line = line
        yield row


def _joined(cells: Sequence[Any]) -> str | None:
    """The cells, one a line; None where they are not texts, all of them."""
    try:
        return "\n".join(cells)
    except TypeError:
        return None


def _has_constant_default(field: FieldInfo) -> bool:
    constant = isinstance(field.default, Hashable) and field.default_factory is None
    return field.is_required() or (constant and not field.validate_default)


def _is_told_of_others(schema: Any) -> bool:
    """Whether a validator in a core schema takes ``info``, by which it could ask for the other cells of its row."""
    if isinstance(schema, dict):
        return schema.get("type") == "with-info" or any(map(_is_told_of_others, schema.values()))
    return isinstance(schema, (list, tuple)) and any(map(_is_told_of_others, schema))


def _function(model: type[Row], name: str) -> Any:
    """A function of a model, or what a method of the class is bound to."""
    found = getattr(model, name)
    return getattr(found, "__func__", found)
