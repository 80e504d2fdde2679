"""Rows become records, and records stream into the stage tables, a batch at a time. From here on Python holds no rows.

# Note [Groups]
A spec that derives values from earlier rows of a group needs the rows in another order than the file has. Its valid
rows are laid aside in a temporary table and read back group by group; when the plan rejects rows, the groups are staged
anew without them, since a value must not be derived from a row that is not imported.
"""

from __future__ import annotations

import hashlib
import pickle
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from safe_import.database.folding import fold
from safe_import.errors import SafeImportError, SpecError
from safe_import.plan.lookups import run_lookups
from safe_import.plan.stage_table import OwnId, RecordColumns, StagedRecord, by_column
from safe_import.plan.workspace import OUT, PROBLEM, REJECT, ROWS, Workspace
from safe_import.records import ValidColumns
from safe_import.spec.columns import rows_of
from safe_import.spec.key import Key
from safe_import.spec.link import Own
from safe_import.types import Invalid

if TYPE_CHECKING:
    from safe_import.records import Validated
    from safe_import.spec.row import Row
    from safe_import.spec.target import Target

ColumnOf = Callable[[int | None, str], str | None]
_PROBLEM_COLUMNS = ("line", "field", "code", "message", "warning")


class Stager:
    """Stages the rows of one file.

    Args:
        ws: the tables, created.
        column_of: (kind, field of the row) -> the header as the file spells it.
        batch_size: how many rows are held at a time.

    Attributes:
        read: rows of the file so far.
        skipped: rows that the spec leaves out.
    """

    def __init__(self, ws: Workspace, column_of: ColumnOf, batch_size: int) -> None:
        self.ws, self.column_of, self.batch_size = ws, column_of, batch_size
        self.spec, self.alias = ws.spec, ws.dialect.connection.alias
        self.read = 0
        self._left_out = 0  # rows of a kind that is not wanted
        self._without_main = 0  # rows whose main target yields nothing
        self._staged_groups = False
        self._own_takers = {target.number for target in ws.targets if ws.leads_to_others(target)}
        self._rows: list[tuple[int, Row]] = []  # of several blocks, until they make a batch
        self._hash = hashlib.sha256()
        self._numbers = [0] * len(ws.targets)
        self._records: list[list[StagedRecord]] = [[] for _ in ws.targets]
        self._problems: list[tuple[Any, ...]] = []

    @property
    def skipped(self) -> int:
        return self._left_out + self._without_main

    @property
    def digest(self) -> bytes:
        """A hash over every staged record, with all values that the file brings."""
        return self._hash.digest()

    def stage(self, blocks: Iterable[ValidColumns | list[Validated]]) -> None:
        """Stages every row; of an invalid one its problems, and its key as far as it can be told."""
        for block in blocks:
            self.read += len(block)
            if not isinstance(block, ValidColumns):
                self._stage_validated(block)
            elif not self.spec.wanted(self.spec.rows[0]):
                self._left_out += len(block)
            elif self.spec.rows_are_records:
                self._stage_columns(block)
            else:
                self._gather([(0, row) for row in rows_of(self.spec.rows[0], block)])
        self._put_gathered()
        self.flush()

    def _stage_validated(self, block: list[Validated]) -> None:
        batch: list[tuple[int, Row]] = []
        for each in block:
            if each.kind is not None and not self.spec.wanted(self.spec.rows[each.kind]):
                self._left_out += 1
            elif each.row is None:
                self._refuse(each)
            else:
                batch.append((each.kind or 0, each.row))
        self._gather(batch)

    def _gather(self, rows: list[tuple[int, Row]]) -> None:
        if len(self._rows) + len(rows) > self.batch_size:
            self._put_gathered()
        self._rows += rows
        if self.spec.rows_are_records:  # then other blocks are staged as columns, in the same order
            self._put_gathered()

    def _put_gathered(self) -> None:
        batch, self._rows = self._rows, []
        if self.spec.derives:
            self._lay_aside(batch)
        else:
            self._stage_rows(batch)

    def _stage_columns(self, block: ValidColumns) -> None:
        """Stages rows that are the records of the only target."""
        self.flush()
        first, shared = self._numbers[0] + 1, self.spec.shared_names(self.spec.rows[0])
        self._numbers[0] += len(block)
        numbers = list(range(first, first + len(block)))
        values = {name: column for name, column in block.values.items() if name in shared}
        self._write(self.ws.targets[0], RecordColumns(numbers, block.lines, values))

    def reject(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Puts out rows that were found wrong elsewhere.

        Args:
            rows: the line, the code and the message of each.
        """
        for line, code, message in rows:
            self._problems.append((line, None, code, message, False))
            if len(self._problems) >= self.batch_size:
                self.flush()
        self.flush()

    def flush(self) -> None:
        """Writes what is held to the tables."""
        for target, records in zip(self.ws.targets, self._records, strict=True):
            if records:
                self._write(target, by_column(records))
                records.clear()
        if self._problems:
            self.ws.dialect.write_rows(PROBLEM, _PROBLEM_COLUMNS, self._problems)
            self._problems.clear()

    def _write(self, target: Target, records: RecordColumns) -> None:
        table = self.ws.stages[target.number]
        columns, unfit = table.encode(records)
        self.ws.dialect.write_columns(table.name, columns, self._hash)
        for at, name, why in unfit:
            problem = Invalid(why.code, str(why), field=target.row_field(name))
            self._problem(records.lines[at], records.kinds[at] if records.kinds else 0, problem)

    def analyze(self) -> None:
        for table in self.ws.stages:
            self.ws.dialect.analyze(table.name, table.joined_columns)

    # -- rows to records

    def _stage_rows(self, batch: list[tuple[int, Row]]) -> None:
        run_lookups(self.spec.lookups, [row for _, row in batch], self.alias)
        for kind, row in batch:
            self._stage_row(kind, row)
        self.flush()

    def _stage_row(self, kind: int, row: Row) -> None:
        made = self._make(kind, row)
        if row.remarks is not None:
            self._remark(kind, row)
            if row.refusals:
                self._append_keys(row.line, made)
                return
        if not any(records for target, records in made.items() if target.main):
            self._without_main += 1
            return
        own = {target.model: self._numbers[target.number] + 1 for target, records in made.items() if len(records) == 1}
        for target, records in made.items():
            for record in records:
                values = _with_own_ids(target, record, own) if target.number in self._own_takers else record
                self._append(kind, target, row.line, values)

    def _make(self, kind: int, row: Row) -> dict[Target, list[Mapping[str, Any]]]:
        """The records that a row brings to each target."""
        made = {}
        for target in self.ws.targets:
            if kind in target.kinds:
                try:
                    made[target] = list(self.spec.records(target, row))
                except SafeImportError:
                    raise
                except Exception as error:
                    raise SpecError(
                        f"{type(self.spec).__name__} failed to make the records of {target.label} from line "
                        f"{row.line}: {type(error).__name__}. The log has the trace."
                    ) from error
                if target.main and len(made[target]) > 1:
                    raise SpecError(f"{target.label} is a main target: a row may bring one record of it, not several.")
        return made

    def _append(self, kind: int, target: Target, line: int, values: Mapping[str, Any]) -> None:
        self._numbers[target.number] += 1
        record = StagedRecord(self._numbers[target.number], line, kind, values)
        self._records[target.number].append(record)
        for name in target.key.fields:
            if values.get(name) is None:
                field = target.row_field(name)
                self._problem(line, kind, Invalid("required", f"{target.label} is recognised by it", field=field))

    # -- problems

    def _refuse(self, invalid: Validated) -> None:
        for problem in invalid.problems:
            self._problems.append((problem.line, problem.column, problem.code, problem.message, False))
        if invalid.kind is not None:
            self._stage_key(invalid)
        if len(self._problems) >= self.batch_size:
            self.flush()

    def _stage_key(self, invalid: Validated) -> None:
        """Stages the key of an invalid row where it is told, so that a row with the same key, or one that links to it,
        is
        reported together with it.
        """
        model = self.spec.rows[invalid.kind or 0]
        wrong = {problem.column for problem in invalid.problems}
        right = {n: v for n, v in invalid.values.items() if self.column_of(invalid.kind, n) not in wrong and v != ""}
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in right.items()}
        row = model.model_construct(set(stripped), **stripped)
        row.line = invalid.line
        with suppress(SpecError):  # a method need not cope with an invalid row: then its key is not told
            self._append_keys(invalid.line, self._make(invalid.kind or 0, row))

    def _append_keys(self, line: int, made: Mapping[Target, list[Mapping[str, Any]]]) -> None:
        """Stages the key alone of a rejected row's main record."""
        for target, records in made.items():
            if target.main:
                for record in records:
                    key = {name: value for name, value in record.items() if name in target.key.fields}
                    if len(key) == len(target.key.fields) and not any(type(value) is Own for value in key.values()):
                        self._append(0, target, line, key)

    def _remark(self, kind: int, row: Row) -> None:
        for refusal in row.refusals:
            self._problem(row.line, kind, refusal)
        for warning in row.warnings:
            self._problem(row.line, kind, warning, warning=True)

    def _problem(self, line: int, kind: int, why: Invalid, *, warning: bool = False) -> None:
        column = self.column_of(kind, why.field) if why.field else None
        self._problems.append((line, column or why.field, why.code, str(why), warning))

    # -- groups: see Note [Groups]

    def _lay_aside(self, batch: list[tuple[int, Row]]) -> None:
        rows = [
            (row.line, self._group(row), pickle.dumps((kind, row.line, row.__dict__, row.model_fields_set)))
            for kind, row in batch
        ]
        if rows:
            self.ws.dialect.write_rows(ROWS, ("line", "grp", "data"), rows)
        self.flush()

    def _group(self, row: Row) -> str:
        key = Key.of(self.spec.group_by or ())
        return "\x1f".join(fold(str(getattr(row, name)), key.casefold) for name in key.fields)

    def stage_groups(self) -> None:
        """Stages the rows that were laid aside, but for those that are rejected by now, anew each time."""
        rejected = f"SELECT line FROM {self.ws.shared(OUT)} WHERE why = '{REJECT}'"
        if self._staged_groups:
            self.ws.dialect.execute(f"DELETE FROM {self.ws.shared(PROBLEM)} WHERE warning")
            for target in self.ws.targets:
                self.ws.dialect.execute(f"DELETE FROM {self.ws.name(target, 'stage')} WHERE line NOT IN ({rejected})")
        self._staged_groups, self._without_main = True, 0
        batch: list[tuple[int, Row]] = []
        last = None
        source = f"SELECT grp, data FROM {self.ws.shared(ROWS)} WHERE line NOT IN ({rejected}) ORDER BY grp, line"
        for group, data in self.ws.dialect.stream(source):
            if group != last and len(batch) >= self.batch_size:
                self._stage_derived(batch)
                batch = []
            batch.append(self._unpacked(data))
            last = group
        self._stage_derived(batch)

    def rejected_of_groups(self) -> int:
        """How many of the rows that were laid aside are rejected by now."""
        sql = f"SELECT count(*) FROM {self.ws.shared(ROWS)} r JOIN {self.ws.shared(OUT)} o ON o.line = r.line"
        return int(self.ws.dialect.value(f"{sql} WHERE o.why = '{REJECT}'"))

    def _unpacked(self, data: bytes) -> tuple[int, Row]:
        kind, line, values, brought = pickle.loads(data)  # noqa: S301  # from a temporary table of this session alone
        row = self.spec.rows[kind].model_construct(brought, **values)
        row.line = line
        return kind, row

    def _stage_derived(self, batch: list[tuple[int, Row]]) -> None:
        """Stages whole groups."""
        run_lookups(self.spec.lookups, [row for _, row in batch], self.alias)
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        for _, row in batch:
            groups[self._group(row)].append(row)
        for rows in groups.values():
            self.spec.derive(sorted(rows, key=self._order))
        for kind, row in batch:
            self._stage_row(kind, row)
        self.flush()

    def _order(self, row: Row) -> tuple[Any, ...]:
        values = [getattr(row, name) for name in self.spec.order_by]
        return (*((value is not None, value) for value in values), row.line)


def _with_own_ids(target: Target, record: Mapping[str, Any], own: Mapping[Any, int]) -> Mapping[str, Any]:
    """The record with the ids of the records that the same row writes, in the place of ``own(...)``.

    Raises:
        SpecError: the row writes no such record, or several.
    """
    values = dict(record)
    for name, value in record.items():
        if type(value) is Own:
            if value.model not in own:
                what = f"{target.label}.{name} is own({value.model.__name__})"
                raise SpecError(f"{what}, but the row writes no such record, or several.")
            values[name] = OwnId(own[value.model])
    return values
