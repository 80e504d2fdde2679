"""Second stage: from raw rows to rows whose every value has its type. Errors are collected, none stops the reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from safe_import.conf import conf
from safe_import.records import Problem, RawColumns, RawRow, Validated, ValidColumns
from safe_import.spec.columns import column_validator
from safe_import.spec.messages import CLEAR_NOT_ALLOWED, problem_of_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from safe_import.spec.row import Row


def validate(
    raw_rows: Iterable[RawRow], rows: Sequence[type[Row]], columns: Sequence[Mapping[str, str]]
) -> Iterator[Validated]:
    """Validate row by row. Every raw row comes out again, in the same order, with or without a ``row``.

    Args:
        raw_rows: as ``read`` gives them.
        rows: the row models; the kind of a raw row is a position among them.
        columns: for every kind, name of the field -> header as the file spells it, for the problems.
    """
    token = conf().CLEAR_TOKEN
    kinds = [_Kind(model, known, token) for model, known in zip(rows, columns, strict=True)]
    for raw in raw_rows:
        if raw.kind is None:
            yield Validated(raw.line, None, None, raw.problems, raw.values)
        else:
            yield kinds[raw.kind].validated(raw)


def validate_blocks(
    blocks: Iterable[RawColumns | list[RawRow]], rows: Sequence[type[Row]], columns: Sequence[Mapping[str, str]]
) -> Iterator[ValidColumns | list[Validated]]:
    """Validate a block at a time: by columns where nothing is out of the ordinary, see Note [Columns]."""
    token, validator = conf().CLEAR_TOKEN, column_validator(rows[0])
    for block in blocks:
        if not isinstance(block, RawColumns):
            yield list(validate(block, rows, columns))
        elif validator is not None and (valid := validator.validated(block.values, token)) is not None:
            yield ValidColumns(block.lines, valid)
        else:
            yield list(validate(block.rows(), rows, columns))


class _Kind:
    """The validator of one kind of row."""

    def __init__(self, model: type[Row], columns: Mapping[str, str], token: str) -> None:
        self._validate: Callable[[Any], Row] = model.__pydantic_validator__.validate_python
        self._clearable = frozenset(model.clearable)
        # A field without a column in the file is named by the header it would have.
        self._columns = {name: model.spellings(name)[0] for name in model.model_fields} | dict(columns)
        self._token = token

    def validated(self, raw: RawRow) -> Validated:
        values, refused = self._cleared(raw)
        try:
            row = self._validate(values)
        except ValidationError as error:
            known = (*raw.problems, *refused)
            problems = (*known, *self._problems(raw.line, error, known))
            return Validated(raw.line, raw.kind, None, problems, raw.values)
        if refused or raw.problems:
            return Validated(raw.line, raw.kind, None, (*raw.problems, *refused), raw.values)
        row.line = raw.line
        return Validated(raw.line, raw.kind, row, (), raw.values)

    def _cleared(self, raw: RawRow) -> tuple[Mapping[str, Any], Sequence[Problem]]:
        """The values with None for the clear token, and a problem for each field that it may not empty."""
        if self._token not in raw.values.values():
            return raw.values, ()
        tokens = [name for name, cell in raw.values.items() if cell == self._token]
        values = {name: cell for name, cell in raw.values.items() if name not in tokens}
        values |= {name: None for name in tokens if name in self._clearable}
        refused = [name for name in tokens if name not in self._clearable]
        return values, [Problem(raw.line, self._columns[name], *CLEAR_NOT_ALLOWED) for name in refused]

    def _problems(self, line: int, error: ValidationError, known: Sequence[Problem]) -> Iterator[Problem]:
        """One problem a column: members of a union report one each, and a refused cell leaves its field missing."""
        reported = {problem.column for problem in known}
        for detail in error.errors(include_url=False, include_input=False):
            problem = problem_of_error(detail, line, self._columns)
            if problem.column is None or problem.column not in reported:
                reported.add(problem.column)
                yield problem
