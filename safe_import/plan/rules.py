"""The rules of a table that can be judged before it is written: CHECK and unique constraints of its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db.models import (
    NOT_PROVIDED,
    CheckConstraint,
    Deferrable,
    F,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    Q,
    UniqueConstraint,
)
from django.db.models.expressions import OrderBy
from django.db.models.sql import Query

from safe_import.database.fields import column_name
from safe_import.spec.target import folded_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import Field

    from safe_import.database.dialect import Dialect
    from safe_import.spec.target import Target

Sql: TypeAlias = tuple[str, Sequence[Any]]  # over the columns of the table, without the name of the table
_POSITIVE = (PositiveIntegerField, PositiveSmallIntegerField, PositiveBigIntegerField)


@dataclass(frozen=True)
class Check:
    """What every record must hold.

    Args:
        fields: the fields that it speaks of.
        condition: false for a record that breaks it.
        code: of the problem.
        reason: why such a record is refused.
    """

    fields: tuple[str, ...]
    condition: Sql
    code: str
    reason: str


@dataclass(frozen=True)
class Unique:
    """What no two records may have in common.

    Args:
        fields: the fields that it speaks of.
        expressions: what may not be the same.
        links: those of the fields that are links, and stand for themselves in ``expressions``.
        condition: the records that it is about; all unless given.
        nulls_are_equal: whether two NULLs count as the same.
        deferred: whether it is judged at the end of the transaction; else by each record that is written.
    """

    fields: tuple[str, ...]
    expressions: tuple[Sql, ...]
    links: tuple[str, ...] = ()
    condition: Sql = field(default=("TRUE", ()))
    nulls_are_equal: bool = False
    deferred: bool = False


Rule: TypeAlias = Check | Unique


def rules_of(target: Target, written: Sequence[str], dialect: Dialect) -> list[Rule]:
    """Return the rules that a plan could break.

    Not those that speak of a column which the database fills in or a trigger rewrites, and none where ``save()`` or a
    writer of its own decides what is written.

    Args:
        target: what is written.
        written: the fields that some record brings.
        dialect: of the database.
    """
    if target.write != "sql":
        return []
    rules: list[Rule] = [*_checks(target, dialect.connection), *_uniques(target, dialect)]
    return [rule for rule in rules if _is_foreseeable(target, rule.fields) and _is_touched(target, rule, written)]


def named_field(target: Target, rule: Rule, written: Sequence[str]) -> str:
    """Return the field of a rule by which a problem is named: the first of the model that some record brings."""
    of_rule = [name for name in target.fields if name in rule.fields]
    return next((name for name in of_rule if name in written), of_rule[0])


def column_of(target: Target, name: str, connection: BaseDatabaseWrapper) -> str:
    """Return the quoted column of a field."""
    return connection.ops.quote_name(target.fields[name].column or name)


def future_columns(target: Target, rules: Sequence[Rule], dialect: Dialect) -> dict[str, str]:
    """Return the columns, with their types, of Note [Records as they will be]; none where there is nothing to judge."""
    if not rules:
        return {}
    fields = {name: target.fields[name] for rule in rules for name in rule.fields}
    typed = {column_name(each): dialect.column_type(each) for each in fields.values()}
    left_open = {f"si_open_{each.column}": "boolean" for each in fields.values() if is_made_when_written(each)}
    new = {f"si_new_{target.fields[name].column}": "bigint" for name in future_links(rules)}
    return {"si_line": "bigint", "si_pk": dialect.column_type(target.pk), **typed, **left_open, **new}


def future_links(rules: Sequence[Rule]) -> list[str]:
    """Return the links among the fields that unique rules speak of."""
    return list(dict.fromkeys(name for rule in rules if isinstance(rule, Unique) for name in rule.links))


def _is_foreseeable(target: Target, names: Iterable[str]) -> bool:
    rewritten = target.declaration.db_rewrites
    return all(
        name in target.fields and name not in rewritten and not getattr(target.fields[name], "generated", False)
        for name in names
    )


def _is_touched(target: Target, rule: Rule, written: Sequence[str]) -> bool:
    """Whether records could break it: by what they bring, or new ones by having the same default."""
    if not set(rule.fields).isdisjoint(written):
        return True
    fields = [target.fields[name] for name in rule.fields]
    return isinstance(rule, Unique) and all(
        not is_made_when_written(each) and each.get_default() is not None for each in fields
    )


def is_made_when_written(field: Field[Any, Any]) -> bool:
    """Whether the value of a field that a new record does not bring is known only when it is written."""
    dated = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    return bool(dated or field.primary_key or field.db_default is not NOT_PROVIDED or callable(field.default))


def _checks(target: Target, connection: BaseDatabaseWrapper) -> Iterator[Check]:
    for name, each in target.fields.items():
        if isinstance(each, _POSITIVE):
            yield Check(
                (name,), (f"{column_of(target, name, connection)} >= 0", ()), "out_of_range", "at least 0 is expected"
            )
    for constraint in target.model._meta.constraints:
        if isinstance(constraint, CheckConstraint):
            reason = f"it would break a rule of the database: {constraint.get_violation_error_message()}"
            condition = _where(target, constraint.condition, connection)
            yield Check(_named(constraint.condition), condition, "check_failed", reason)


def _uniques(target: Target, dialect: Dialect) -> Iterator[Unique]:
    meta = target.model._meta
    single = ((name,) for name, each in target.fields.items() if each.unique and not each.primary_key)
    for names in (*single, *map(tuple, meta.unique_together)):
        yield from _together(target, names, dialect)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield from _of_constraint(target, constraint, dialect)


def _together(target: Target, names: tuple[str, ...], dialect: Dialect, **more: Any) -> Iterator[Unique]:
    """A rule over plain fields."""
    if all(name in target.fields for name in names) and not _is_held_by_key(target, set(names), dialect):
        expressions = tuple((column_of(target, name, dialect.connection), ()) for name in names)
        links = tuple(name for name in names if name in target.links)
        yield Unique(names, expressions, links, **more)


def _of_constraint(target: Target, constraint: UniqueConstraint, dialect: Dialect) -> Iterator[Unique]:
    more: dict[str, Any] = {}
    names: tuple[str, ...] = ()
    if constraint.condition is not None:
        names = _named(constraint.condition)
        more["condition"] = _where(target, constraint.condition, dialect.connection)
    if constraint.nulls_distinct is False:
        more["nulls_are_equal"] = True
    if constraint.deferrable is Deferrable.DEFERRED:
        more["deferred"] = True
    if constraint.fields:
        for rule in _together(target, tuple(constraint.fields), dialect, **more):
            yield Unique((*rule.fields, *names), rule.expressions, rule.links, **more)
        return
    if target.key.casefold and _is_held_by_key(target, folded_fields(constraint), dialect):
        return
    bare = [each.expression if isinstance(each, OrderBy) else each for each in constraint.expressions]
    expressions = tuple(_compiled(target, each, dialect.connection) for each in bare)
    yield Unique((*dict.fromkeys((*_refs(bare), *names)),), expressions, (), **more)


def _is_held_by_key(target: Target, names: set[str], dialect: Dialect) -> bool:
    """Whether the key of the target, by which each of its records is only one, says the same or more."""
    told_apart = all(dialect.tells_apart(target.fields[name]) for name in target.key.fields)
    return bool(target.key.fields) and set(target.key.fields) <= names and told_apart


# -- SQL of Django's expressions


def _where(target: Target, condition: Any, connection: BaseDatabaseWrapper) -> Sql:
    query = Query(target.model, alias_cols=False)
    sql, params = query.get_compiler(connection=connection).compile(query.build_where(condition))
    return sql, params


def _compiled(target: Target, expression: Any, connection: BaseDatabaseWrapper) -> Sql:
    query = Query(target.model, alias_cols=False)
    resolved = expression.resolve_expression(query, allow_joins=False)
    sql, params = query.get_compiler(connection=connection).compile(resolved)
    return sql, params


def _named(condition: Any) -> tuple[str, ...]:
    """The fields that a condition speaks of."""
    if isinstance(condition, Q):
        return tuple(sorted(condition.referenced_base_fields))
    return tuple(dict.fromkeys(_refs([condition])))


def _refs(expressions: Iterable[Any]) -> Iterator[str]:
    for expression in expressions:
        if isinstance(expression, F):
            yield str(expression.name).partition("__")[0]  # type: ignore[attr-defined]  # F has it, its stub has not
        elif hasattr(expression, "get_source_expressions"):
            yield from _refs(expression.get_source_expressions())
