"""What the database would refuse is found before anything is written, and reported by line.

# Note [Records as they will be]

``si_N_future`` holds every record that the plan creates or updates, as it will be: the columns that some rule speaks
of, in the types of the table, so that conditions mean there what they mean in the table. Beside them ``si_line`` and
``si_pk``; ``si_new_<column>`` for a link to a record that this run creates, which has no key yet; and
``si_open_<column>``, whether the column is left to a default that only the moment of writing knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.plan.fates import CREATE, UPDATE, changes, given, new_value, planned, written_fields
from safe_import.plan.rules import Check, Rule, Sql, Unique, future_links, is_made_when_written, named_field, rules_of
from safe_import.plan.workspace import PROBLEM, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Field

    from safe_import.spec.target import Target

NOT_UNIQUE = "not_unique"


def report_broken_rules(ws: Workspace, target: Target) -> None:
    """Reports the records of a plan that would break a CHECK or a unique constraint of their table."""
    rules = rules_of(target, written_fields(ws, target), ws.dialect)
    if not rules:
        return
    _fill_future(ws, target, rules)
    for rule in rules:
        if isinstance(rule, Check):
            _report_check(ws, target, rule)
        else:
            _report_twice_in_file(ws, target, rule)
            _report_taken(ws, target, rule)


# -- the records as they will be


def _fill_future(ws: Workspace, target: Target, rules: Sequence[Rule]) -> None:
    d, future = ws.dialect, f"si_{target.number}_future"
    names = dict.fromkeys(name for rule in rules for name in rule.fields)
    columns: list[str] = []
    values: list[str] = []
    params: list[Any] = []
    for name in names:
        columns.append(d.column(target.fields[name]))
        sql, own = _value(ws, target, name)
        values.append(sql)
        params += own
    for name in future_links(rules):
        columns.append(d.quote(f"si_new_{target.fields[name].column}"))
        values.append(_new_record(ws, target, name))
    d.execute(f"DELETE FROM {d.temp(future)}")
    for name in filter(lambda name: is_made_when_written(target.fields[name]), names):
        columns.append(d.quote(f"si_open_{target.fields[name].column}"))
        values.append(_is_left_open(ws, target, name))
    d.execute(
        f"INSERT INTO {d.temp(future)} (si_line, si_pk, {', '.join(columns)}) SELECT p.line, p.pk, {', '.join(values)}"
        f" FROM {planned(ws, target)} LEFT JOIN {d.table(target.model)} t ON t.{d.column(target.pk)} = p.pk"
        f" WHERE p.fate IN ('{CREATE}', '{UPDATE}')",
        params,
    )
    d.analyze(future)


def _value(ws: Workspace, target: Target, name: str) -> Sql:
    field = target.fields[name]
    old, (default, params) = f"t.{ws.dialect.column(field)}", _default(ws, field)
    if name not in written_fields(ws, target):
        return f"CASE WHEN p.fate = '{CREATE}' THEN {default} ELSE {old} END", params
    new = new_value(ws, target, name)
    created = f"CASE WHEN {given(ws, target, name)} THEN {new} ELSE {default} END"
    updated = old if name in target.key.fields else f"CASE WHEN {changes(ws, target, name)} THEN {new} ELSE {old} END"
    return f"CASE WHEN p.fate = '{CREATE}' THEN {created} ELSE {updated} END", params


def _new_record(ws: Workspace, target: Target, name: str) -> str:
    """The record of this run that a link leads to, where it has no key yet."""
    if name not in written_fields(ws, target):
        return "NULL"
    d = ws.dialect
    written = f"p.fate = '{CREATE}' OR {changes(ws, target, name)}"
    return f"CASE WHEN p.{d.quote(f'p_{name}')} IS NULL AND ({written}) THEN p.{d.quote(f'r_{name}')} END"


def _default(ws: Workspace, field: Field[Any, Any]) -> Sql:
    value = None if is_made_when_written(field) else field.get_default()
    if value is None:
        return "NULL", ()
    return ws.dialect.from_base(field, "%s"), (ws.dialect.encoder(field)(value),)


def _is_left_open(ws: Workspace, target: Target, name: str) -> str:
    """A condition: the value of the field is known only when the record is written."""
    brought = given(ws, target, name) if name in written_fields(ws, target) else "FALSE"
    return f"p.fate = '{CREATE}' AND NOT {brought}"


# -- what they would break


def _report_check(ws: Workspace, target: Target, rule: Check) -> None:
    (condition, params), alone = rule.condition, f"SELECT si_line AS line, {ws.dialect.null('bigint')} AS other"
    broken = f"{alone} FROM {_judged(ws, target, rule)} AND NOT ({condition})"
    _report(ws, target, rule, rule.code, "%s", (rule.reason,), broken, params)


def _report_twice_in_file(ws: Workspace, target: Target, rule: Unique) -> None:
    """Records of the plan that would be the same. Links to new records are the same when they lead to the same one."""
    d = ws.dialect
    new = {name: d.quote(f"si_new_{target.fields[name].column}") for name in rule.links}
    parts = [*(sql for sql, _ in rule.expressions), *new.values()]
    params = [param for _, own in rule.expressions for param in own]
    named = {d.column(target.fields[name]): column for name, column in new.items()}
    filled = [
        f"(({sql}) IS NOT NULL{f' OR {named[sql]} IS NOT NULL' if sql in named else ''})" for sql, _ in rule.expressions
    ]
    where = " AND ".join([f"({rule.condition[0]})", *([] if rule.nulls_are_equal else filled)])
    window = f"OVER (PARTITION BY {', '.join(parts)})"
    counted = (
        f"SELECT si_line, min(si_line) {window} AS first_line, max(si_line) {window} AS last_line,"
        f" count(*) {window} AS n FROM {_judged(ws, target, rule)} AND {where}"
    )
    other = "CASE WHEN si_line = first_line THEN last_line ELSE first_line END"
    found = f"SELECT si_line AS line, {other} AS other FROM ({counted}) z WHERE n > 1"
    message = f"%s || {d.as_text('q.other')} || %s"
    texts = (_same(target, rule, "line "), " would have the same; make them differ")
    everything = [*params * 3, *rule.condition[1], *([] if rule.nulls_are_equal else params)]
    _report(ws, target, rule, NOT_UNIQUE, message, texts, found, everything)


def _report_taken(ws: Workspace, target: Target, rule: Unique) -> None:
    """Records that would be the same as another one is now; by a deferred rule, as one that the plan leaves alone."""
    d, same = ws.dialect, ws.dialect.null_safe_equal if rule.nulls_are_equal else "="
    keys = ", ".join(f"{sql} AS k{number}" for number, (sql, _) in enumerate(rule.expressions))
    params = [*(param for _, own in rule.expressions for param in own), *rule.condition[1]]
    joined = " AND ".join(f"f.k{number} {same} e.k{number}" for number in range(len(rule.expressions)))
    kept = f" AND {d.column(target.pk)} NOT IN (SELECT pk FROM {ws.name(target, 'plan')} WHERE fate = '{UPDATE}')"
    to_new = "".join(f" AND {d.quote(f'si_new_{target.fields[name].column}')} IS NULL" for name in rule.links)
    found = (
        f"SELECT DISTINCT f.si_line AS line, {d.null('bigint')} AS other FROM"
        f" (SELECT si_line, si_pk, {keys} FROM {_judged(ws, target, rule)} AND ({rule.condition[0]}){to_new}) f"
        f" JOIN (SELECT {d.column(target.pk)} AS pk, {keys} FROM {d.table(target.model)} WHERE ({rule.condition[0]})"
        f"{kept if rule.deferred else ''}) e ON {joined} AND (f.si_pk IS NULL OR f.si_pk <> e.pk)"
    )
    message = _same(target, rule, f"another {target.model._meta.verbose_name} of the database has the same")
    _report(ws, target, rule, NOT_UNIQUE, "%s", (message,), found, [*params, *params])


def _report(
    ws: Workspace,
    target: Target,
    rule: Rule,
    code: str,
    message: str,
    texts: Sequence[str],
    found: str,
    params: Sequence[Any],
) -> None:
    """Writes a problem for every (line, other line) of the SELECT ``found``; ``message`` is SQL over its alias q."""
    field = named_field(target, rule, written_fields(ws, target))
    ws.dialect.execute(
        f"INSERT INTO {ws.shared(PROBLEM)} (line, target, field, code, other, message, warning)"
        f" SELECT q.line, {target.number}, '{field}', '{code}', q.other, {message}, FALSE"
        f" FROM ({found}) q",
        [*texts, *params],
    )


def _same(target: Target, rule: Unique, start: str) -> str:
    return f"{' and '.join(rule.fields)} must be unique: {start}"


def _judged(ws: Workspace, target: Target, rule: Rule) -> str:
    """The records as they will be, as far as it is known what they hold in the fields of the rule."""
    fields = (target.fields[name] for name in rule.fields)
    left_open = [f"NOT {ws.dialect.quote(f'si_open_{each.column}')}" for each in fields if is_made_when_written(each)]
    return f"{ws.dialect.temp(f'si_{target.number}_future')} WHERE {' AND '.join(left_open) or 'TRUE'}"
