"""What an undo is going to do: the records of the journal, less those that changed since.

# Note [Tables of an undo]
For model number N of the journal:

- ``si_undo_N``  its records: (pk, key, action, print), and for column number C of those that the run changed whether it
  changed this record (hC), and the text forms before and after (bC, aC)

And for all of them ``si_undo_conflict``: (model, key, place, code). What is in conflict is taken out of its table, so
that what remains is what can be undone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.apps import apps

from safe_import.database.references import references_to
from safe_import.errors import Refused
from safe_import.models import JournalPage
from safe_import.records import Problem
from safe_import.runs.journal import journalled

if TYPE_CHECKING:
    from django.db.models import Field, ForeignKey, Model

    from safe_import.database.dialect import Dialect

CONFLICT = "si_undo_conflict"
_MESSAGES = {
    "vanished": "{label} #{key} does not exist any more",
    "changed": "{label} #{key}: {place} was changed after the run",
    "changed_since": "{label} #{key} was changed after the run created it, so it is not deleted",
    "referred_to": "{label} #{key} is referred to by {place}, so it is not deleted",
}


@dataclass(frozen=True)
class Journalled:
    """A model of the journal, with the columns that the run changed in some of its records."""

    number: int
    model: type[Model]
    changed: tuple[Field[Any, Any], ...]

    @property
    def label(self) -> str:
        return str(self.model._meta.label)

    @property
    def pk(self) -> Field[Any, Any]:
        return self.model._meta.pk

    @property
    def name(self) -> str:
        return f"si_undo_{self.number}"


class UndoPlan:
    """The plan to undo ``run``. See Note [Tables of an undo].

    Args:
        actions: which of its actions are undone: updates, creations or both.
    """

    def __init__(self, dialect: Dialect, run: str, actions: frozenset[JournalPage.Action]) -> None:
        self.dialect, self.run, self.actions = dialect, run, actions
        self.models = _journalled(dialect, run)

    def create_tables(self) -> None:
        """Creates the temporary tables, in the place of those that an undo that was cut off has left."""
        d = self.dialect
        self.drop_tables()
        d.create_temp(CONFLICT, {"model": "bigint", "key": "text", "place": "text", "code": "text"})
        for each in self.models:
            cells = {
                f"{side}{n}": "boolean" if side == "h" else "text" for n in range(len(each.changed)) for side in "hba"
            }
            d.create_temp(
                each.name, {"pk": d.base_type(each.pk), "key": "text", "action": "text", "print": "text", **cells}
            )

    def drop_tables(self) -> None:
        self.dialect.drop_temp([CONFLICT, *(each.name for each in self.models)])

    def fill(self) -> None:
        """Reads the journal, and takes out what can't be undone."""
        for each in self.models:
            self._read(each)
        for each in self.models:
            self._find_changes(each)
        self._take_out()
        while JournalPage.Action.CREATE in self.actions and self._find_references():
            self._take_out()  # which may be what kept another one from being referred to

    def lock(self) -> None:
        """Locks the records that will be undone, so that what is found about them stays true."""
        for each in self.models:
            keys = f"SELECT {self._typed_key(each)} {self._records}"
            locked = self.dialect.lock_rows(each.model, f"t.{self.dialect.column(each.pk)} IN ({keys})")
            self.dialect.value(f"SELECT count(*) FROM ({locked}) l", [self.run, each.label])

    # -- what was found

    def count(self, each: Journalled, action: JournalPage.Action) -> int:
        """How many records will be put back, or deleted."""
        sql = f"SELECT count(*) FROM {self.dialect.temp(each.name)} WHERE action = %s"
        return int(self.dialect.value(sql, [action]))

    def created(self, each: Journalled) -> int:
        """How many records the run created."""
        sql = (
            f"SELECT sum(size) FROM {self.dialect.table(JournalPage)} WHERE run_id = %s AND model = %s AND action = %s"
        )
        return int(self.dialect.value(sql, [self.run, each.label, JournalPage.Action.CREATE]) or 0)

    def count_conflicts(self) -> int:
        return int(self.dialect.value(f"SELECT count(*) FROM {self.dialect.temp(CONFLICT)}"))

    def conflicts(self, limit: int) -> list[Problem]:
        """The first of the conflicts, by model and key."""
        rows = self.dialect.rows(
            f"SELECT c.model, c.key, c.place, c.code FROM {self.dialect.temp(CONFLICT)} c"
            " ORDER BY c.model, c.key, c.place LIMIT %s",
            [limit],
        )
        return [_problem(self.models[number].label, key, place, code) for number, key, place, code in rows]

    # -- how it is found

    @property
    def _records(self) -> str:
        """FROM the journal c, the records of a run and a model that are to be undone."""
        which = ", ".join(f"'{action}'" for action in sorted(self.actions))
        return f"FROM {journalled(self.dialect)} c WHERE c.run_id = %s AND c.model = %s AND c.action IN ({which})"

    def _typed_key(self, each: Journalled) -> str:
        return self.dialect.from_text(each.pk, self._cell("key"))

    def _cell(self, name: str) -> str:
        return f"c.{self.dialect.quote(name)}"

    def _read(self, each: Journalled) -> None:
        d, before, last = self.dialect, self._cell("before"), self._cell("after")
        after = f"CASE WHEN c.action = '{JournalPage.Action.UPDATE}' THEN {last} END"
        columns = [self._typed_key(each), self._cell("key"), "c.action", last]
        for name in (str(field.column) for field in each.changed):
            columns += [d.json_has(before, name), d.json_get(before, name), d.json_get(after, name)]
        d.execute(
            f"INSERT INTO {d.temp(each.name)} SELECT {', '.join(columns)} {self._records}", [self.run, each.label]
        )
        d.analyze(each.name)

    def _find_changes(self, each: Journalled) -> None:
        """Finds records that are gone, and those that are not as the run has left them."""
        d, there = self.dialect, f"t.{self.dialect.column(each.pk)} IS NOT NULL"
        self._conflict(each, "vanished", None, f"NOT ({there})")
        for number, field in enumerate(each.changed):
            differs = d.differs(field, f"t.{d.column(field)}", d.from_text(field, f"u.a{number}"))
            self._conflict(each, "changed", field.column, f"{there} AND u.h{number} AND {differs}")
        print_ = d.fingerprint(each.model._meta.concrete_fields, "t")
        self._conflict(
            each, "changed_since", None, f"{there} AND u.action = '{JournalPage.Action.CREATE}' AND u.print <> {print_}"
        )

    def _find_references(self) -> int:
        """Finds created records that others refer to, which neither go with them nor are put back; returns how many."""
        found = 0
        for each in self.models:
            for link in references_to(each.model):
                d, target = self.dialect, f"t.{self.dialect.column(link.target_field)}"
                refers = (
                    f"SELECT 1 FROM {d.table(link.model)} r WHERE r.{d.column(link)} = {target}{self._but_undone(link)}"
                )
                place = f"{link.model._meta.label}.{link.name}"
                found += self._conflict(
                    each, "referred_to", place, f"u.action = '{JournalPage.Action.CREATE}' AND EXISTS ({refers})"
                )
        return found

    def _but_undone(self, link: ForeignKey[Any, Any]) -> str:
        """Leaves out the records r that are deleted themselves, or whose ``link`` is put back to what it was."""
        for each in self.models:
            if each.model is link.model:
                undone = [f"x.action = '{JournalPage.Action.CREATE}'"]
                undone += [f"x.h{number}" for number, field in enumerate(each.changed) if field.column == link.column]
                pk = f"r.{self.dialect.column(each.pk)}"
                table = self.dialect.temp(each.name)
                return f" AND NOT EXISTS (SELECT 1 FROM {table} x WHERE x.pk = {pk} AND ({' OR '.join(undone)}))"
        return ""

    def _conflict(self, each: Journalled, code: str, place: str | None, condition: str) -> int:
        """Notes the records u of the journal, t of the table, of which the condition holds; returns how many."""
        d = self.dialect
        return d.execute(
            f"INSERT INTO {d.temp(CONFLICT)} SELECT %s, u.key, %s, %s FROM {d.temp(each.name)} u"
            f" LEFT JOIN {d.table(each.model)} t ON t.{d.column(each.pk)} = u.pk WHERE {condition}",
            [each.number, place, code],
        )

    def _take_out(self) -> None:
        out = f"SELECT c.key FROM {self.dialect.temp(CONFLICT)} c WHERE c.model = %s"
        key = self.dialect.quote("key")
        for each in self.models:
            self.dialect.execute(f"DELETE FROM {self.dialect.temp(each.name)} WHERE {key} IN ({out})", [each.number])


def _journalled(dialect: Dialect, run: str) -> tuple[Journalled, ...]:
    """The models of the journal, those first that were written last: they are the ones that refer to the others.

    Raises:
        Refused: a model or a column is not there any more.
    """
    journal = dialect.table(JournalPage)
    models = dialect.rows(f"SELECT model FROM {journal} WHERE run_id = %s GROUP BY model ORDER BY max(id) DESC", [run])
    columns = defaultdict(set)
    names = dialect.json_keys(f"c.{dialect.quote('before')}")
    for model, column in dialect.rows(
        f"SELECT DISTINCT c.model, k.key FROM {journalled(dialect)} c, {names} k WHERE c.run_id = %s", [run]
    ):
        columns[model].add(column)
    return tuple(_found(number, label, columns[label]) for number, (label,) in enumerate(models))


def _found(number: int, label: str, columns: set[str]) -> Journalled:
    try:
        model = apps.get_model(label)
    except LookupError:
        raise Refused(f"The run wrote {label}, which is not installed any more. Nothing was undone.") from None
    fields = [field for field in model._meta.concrete_fields if field.column in columns]
    if gone := columns - {field.column for field in fields}:
        raise Refused(f"{label} has no column {', '.join(sorted(gone))} any more. Nothing was undone.")
    return Journalled(number, model, tuple(fields))


def _problem(label: str, key: str, place: str | None, code: str) -> Problem:
    column = f"{label}.{place}" if code == "changed" else label
    return Problem(None, column, code, _MESSAGES[code].format(label=label, key=key, place=place))
