"""What PostgreSQL's catalog says of a table: columns, key, constraints, foreign keys, sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safe_import.database.tables import Column, Constraint, ForeignKey, SequencePosition
from safe_import.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

_RELATION = """
    SELECT c.oid, format('%%I.%%I', n.nspname, c.relname), c.relkind, c.relpersistence
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)"""

# Note [The text of a value]
# A type may have a cast to text that is not its output function: char(n) loses its trailing blanks. Then, and for
# domains, concat() is used, which calls the output function always; the plain cast is as good elsewhere, and faster.
_COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.attgenerated <> '',
           a.atthasdef OR a.attidentity <> '',
           t.typtype = 'd' OR EXISTS (SELECT 1 FROM pg_cast k WHERE k.castsource = t.oid
                                      AND k.casttarget = 'text'::regtype AND k.castfunc <> 0)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""

_KEY = """
    SELECT array(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                 WHERE k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_index i WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
      AND i.indexprs IS NULL AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = i.indrelid
                                             AND a.attnum = ANY (i.indkey) AND NOT a.attnotnull)
    ORDER BY NOT i.indisprimary, i.indnkeyatts, i.indexrelid LIMIT 1"""

_CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s AND contype IN ('p', 'u', 'f', 'c', 'x') AND conparentid = 0
    UNION ALL
    SELECT c.relname, regexp_replace(pg_get_indexdef(c.oid), '^.* ON .*? USING', 'UNIQUE INDEX USING')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = %s AND i.indisunique
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
    ORDER BY 1"""

_FOREIGN_KEYS = """
    SELECT conname, conrelid::bigint, conrelid::regclass::text, confrelid::bigint, confrelid::regclass::text,
           condeferrable, confdeltype IN ('c', 'n', 'd')
    FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
      AND (conrelid = ANY (%s::oid[]) OR confrelid = ANY (%s::oid[])) ORDER BY conname"""

# A sequence is the column's own (serial, identity) or only named by its default.
_SEQUENCES = """
    SELECT a.attname, d.objid::regclass::text, format('%%I.%%I', n.nspname, s.relname)
    FROM (SELECT refobjid rel, refobjsubid att, objid FROM pg_depend
          WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
          UNION
          SELECT f.adrelid, f.adnum, p.refobjid FROM pg_attrdef f JOIN pg_depend p
          ON p.classid = 'pg_attrdef'::regclass AND p.objid = f.oid AND p.refclassid = 'pg_class'::regclass) d
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
    JOIN pg_attribute a ON a.attrelid = d.rel AND a.attnum = d.att
    WHERE d.rel = %s ORDER BY a.attnum"""

_ALL_TABLES = """
    SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
      AND relnamespace = current_schema()::regnamespace ORDER BY relname"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table that was found: its identity, its qualified name, and the name to read from."""

    oid: int
    name: str
    source: str


class Catalog:
    """Questions to the catalog on one connection. Names are as ``Meta.db_table`` spells them."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection

    def relation(self, name: str) -> Relation:
        found = self.rows(_RELATION, self._connection.ops.quote_name(name))
        if not found:
            raise BackupError(f"there is no table {name!r} in this database")
        oid, qualified, kind, persistence = found[0]
        if kind not in ("r", "p"):
            raise BackupError(f"{name!r} is no ordinary table: views and foreign tables are not backed up")
        if persistence == "t":
            raise BackupError(f"{name!r} is hidden by a temporary table of the same name: drop that one")
        return Relation(oid, qualified, f"ONLY {qualified}" if kind == "r" else qualified)

    def columns(self, relation: Relation) -> list[tuple[Column, bool]]:
        """Return the columns, each with whether its text needs the output function: Note [The text of a value]."""
        return [(Column(*row[:5]), row[5]) for row in self.rows(_COLUMNS, relation.oid)]

    def key(self, relation: Relation) -> tuple[str, ...]:
        found = self.rows(_KEY, relation.oid)
        return tuple(found[0][0]) if found else ()

    def constraints(self, relation: Relation) -> tuple[Constraint, ...]:
        return tuple(Constraint(*row) for row in self.rows(_CONSTRAINTS, relation.oid, relation.oid))

    def foreign_keys(self, names: Sequence[str]) -> list[ForeignKey]:
        known = {self.relation(name).oid: name for name in names}
        rows = self.rows(_FOREIGN_KEYS, list(known), list(known))
        return [
            ForeignKey(name, known.get(source, source_name), known.get(target, target_name), deferrable, cascades)
            for name, source, source_name, target, target_name, deferrable, cascades in rows
        ]

    def sequences(self, relation: Relation) -> list[SequencePosition]:
        return [
            SequencePosition(
                column, shown, self.rows(f"SELECT CASE WHEN is_called THEN last_value END FROM {name}")[0][0]
            )
            for column, shown, name in self.rows(_SEQUENCES, relation.oid)
        ]

    def all_tables(self) -> list[str]:
        return [name for (name,) in self.rows(_ALL_TABLES)]

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return list(cursor.fetchall())
