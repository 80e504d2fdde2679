"""Writes the records of a plan one by one, with the hooks of a migration around each.

# Note [Left out]
A hook may leave out a record that the plan creates. The plan is then brought in line with what was done, so that
verification, ledger, journal and undo speak of what is there: the record and those that hang on it leave the tables of
the plan, and its row is put out, as skipped or rejected.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, IntegrityError, transaction

from safe_import.database.failures import describe, may_pass
from safe_import.errors import DatabaseFailure, SafeImportError, UnexpectedFailure
from safe_import.legacy.existing import take_existing, tell_changed
from safe_import.legacy.migration import overrides
from safe_import.plan.workspace import OUT, PROBLEM, REJECT, SKIP
from safe_import.stages.apply.save import new_instances

if TYPE_CHECKING:
    from django.db.models import Model

    from safe_import.legacy.migration import LegacyRow, Migration
    from safe_import.legacy.spool import Spool
    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

_OUTCOMES, _MOVED = "si_legacy_out", "si_legacy_moved"


def left_to_main(ws: Workspace, target: Target) -> None:
    """Writes nothing: the writer of the main target saves the many-to-many relations together with their instance."""


class HookedWriter:
    """Writes the plan of one migration; a ``Writer`` for its main target.

    Args:
        migration: the migration.
        spool: its rows.
    """

    def __init__(self, migration: type[Migration], spool: Spool) -> None:
        self.migration, self.spool = migration, spool
        self._survives_errors = overrides(migration, "hook_error_creating_instance")
        self._left_out: list[tuple[int, str]] = []  # line, and whether it is skipped or rejected
        self._problems: list[tuple[Any, ...]] = []
        self._moved: list[tuple[int, Any]] = []  # record of the plan, and the primary key that a hook gave it

    def __call__(self, ws: Workspace, target: Target) -> None:
        self._create(ws, target)
        self._correct_plan(ws, target)
        if overrides(self.migration, "hook_update_existing"):
            self._update(ws, target)

    # -- new records

    def _create(self, ws: Workspace, target: Target) -> None:
        members = [_Members(ws, other, target) for other in ws.targets if other is not target]
        for instance in new_instances(ws, target):
            rec, planned = instance.si_rec, instance.pk  # type: ignore[attr-defined]  # columns of the plan
            theirs = [(each, each.of(instance.si_line)) for each in members]  # type: ignore[attr-defined]
            if self._saved(ws, instance, theirs) and instance.pk != planned:
                self._moved.append((rec, ws.dialect.encoder(target.pk)(instance.pk)))

    def _saved(self, ws: Workspace, instance: Any, members: list[tuple[_Members, list[Any]]]) -> bool:
        line, planned = instance.si_line, instance.pk
        row = self.spool.row(line)
        try:
            with self._savepoint(ws):
                if self.migration.hook_before_save(instance, row) is False:
                    self._left_out.append((line, SKIP))
                    return False
                instance._state.adding = True
                instance.save(using=ws.dialect.connection.alias, force_insert=True)
                for each, records in members:
                    each.save(instance, planned, records)
                self.migration.hook_after_save(instance, row)
        except SafeImportError:
            raise
        except Exception as error:  # noqa: BLE001 - what an error means is for the migration to say
            self._failed(error, line, row)
            return False
        return True

    def _savepoint(self, ws: Workspace) -> AbstractContextManager[Any]:
        """Only where a failure may be survived: it costs two statements a record."""
        return transaction.atomic(using=ws.dialect.connection.alias) if self._survives_errors else nullcontext()

    def _failed(self, error: Exception, line: int, row: LegacyRow) -> None:
        """Asks the migration whether to go on without the row.

        Raises:
            DatabaseError: the run may succeed when it is done once more.
            DatabaseFailure, UnexpectedFailure: it may not.
        """
        if isinstance(error, DatabaseError) and not isinstance(error, IntegrityError) and may_pass(error):
            raise error
        error.add_note(f"row {line}")
        place = f"{self.migration.__name__}, row {line}"
        try:
            self.migration.hook_error_creating_instance(error, row)
        except SafeImportError:
            raise
        except DatabaseError as raised:
            raise DatabaseFailure(f"The import was rolled back at {place}: {describe(raised)}.") from raised
        except Exception as raised:
            reason = f"an unexpected {type(raised).__name__}. The log has the trace"
            raise UnexpectedFailure(f"The import was rolled back at {place}: {reason}.") from raised
        self._left_out.append((line, REJECT))
        self._problems.append((line, None, "hook_error", f"saving it failed: {type(error).__name__}", False))

    # -- the plan, see Note [Left out]

    def _correct_plan(self, ws: Workspace, target: Target) -> None:
        d = ws.dialect
        if self._moved:
            self._create_temp(ws, _MOVED, {"rec": "bigint", "pk": d.base_type(target.pk)}, self._moved)
            moved = f"FROM {d.temp(_MOVED)} m WHERE m.rec = {ws.name(target, 'new')}.rec"
            d.execute(f"UPDATE {ws.name(target, 'new')} SET pk = (SELECT m.pk {moved}) WHERE EXISTS (SELECT 1 {moved})")
        if self._problems:
            d.write_rows(PROBLEM, ("line", "field", "code", "message", "warning"), self._problems)
        if self._left_out:
            self._create_temp(ws, _OUTCOMES, {"line": "bigint", "why": "text"}, self._left_out)
            left_out = f"SELECT line FROM {d.temp(_OUTCOMES)}"
            for each in ws.targets:
                plan, new = ws.name(each, "plan"), ws.name(each, "new")
                d.execute(f"DELETE FROM {new} WHERE rec IN (SELECT rec FROM {plan} WHERE line IN ({left_out}))")
                d.execute(f"DELETE FROM {plan} WHERE line IN ({left_out})")
            d.execute(f"INSERT INTO {ws.shared(OUT)} SELECT line, why FROM {d.temp(_OUTCOMES)}")
        d.drop_temp([_MOVED, _OUTCOMES])

    @staticmethod
    def _create_temp(ws: Workspace, name: str, columns: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
        ws.dialect.drop_temp([name])
        ws.dialect.create_temp(name, columns)
        ws.dialect.write_rows(name, tuple(columns), rows)

    # -- existing records

    def _update(self, ws: Workspace, target: Target) -> None:
        for line, instance in take_existing(ws, target):
            self.migration.hook_update_existing(instance, self.spool.row(line))
        tell_changed(ws, target)


class _Members:
    """The records of one many-to-many relation, read along with the instances that they belong to."""

    def __init__(self, ws: Workspace, target: Target, main: Target) -> None:
        self._manager = target.model._base_manager.using(ws.dialect.connection.alias)
        sides = [target.fields[name] for name in target.key.fields]
        self._own = [side.attname for side in sides if side.related_model is main.model]
        self._groups = groupby(new_instances(ws, target), key=lambda each: each.si_line)  # type: ignore[attr-defined]
        self._next = next(self._groups, None)

    def of(self, line: int) -> list[Any]:
        """Those of a row. Rows are asked for in ascending order."""
        if self._next is None or self._next[0] != line:
            return []
        records = list(self._next[1])
        self._next = next(self._groups, None)
        return records

    def save(self, instance: Model, planned: Any, records: list[Any]) -> None:
        """Saves them; a hook may have given the instance another primary key than was planned."""
        for record in records if instance.pk != planned else ():
            for attname in self._own:
                if getattr(record, attname) == planned:
                    setattr(record, attname, instance.pk)
        self._manager.bulk_create(records)
