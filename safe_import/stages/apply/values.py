"""The value of every column of a new record, and of those of an updated one that the run fills in itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.db.models import NOT_PROVIDED, Field
from django.utils import timezone

from safe_import.plan.fates import given, is_password, landed, new_value, written_fields

if TYPE_CHECKING:
    import datetime

    from safe_import.plan.workspace import Workspace
    from safe_import.spec.target import Target

# Callables whose value need not be asked for record by record.
_SAME_FOR_ALL = (timezone.now, dict, list, tuple, set)
Expression = tuple[str, list[Any]]


def new_record(ws: Workspace, target: Target, now: datetime.datetime) -> dict[str, Expression]:
    """{column: SQL over p (new records), s (stage), f (filled in), and the joins of ``link_joins``}."""
    columns: dict[str, Expression] = {}
    written = written_fields(ws, target)
    for field in target.fields.values():
        if getattr(field, "generated", False):
            continue
        column = ws.dialect.column(field)
        if field.primary_key:
            columns[column] = ("p.pk", [])
        elif field.name in written:
            fallback, params = _unbrought(ws, target, field, now)
            columns[column] = (_brought_or(ws, target, field, fallback), params)
        else:
            columns[column] = _unbrought(ws, target, field, now)
    return columns


def _brought_or(ws: Workspace, target: Target, field: Field[Any, Any], fallback: str) -> str:
    if field.name in target.links:
        return landed(ws, target, field.name)
    return f"CASE WHEN {given(ws, target, field.name)} THEN {new_value(ws, target, field.name)} ELSE {fallback} END"


def _unbrought(ws: Workspace, target: Target, field: Field[Any, Any], now: datetime.datetime) -> Expression:
    """What a new record gets in a field that the file does not bring."""
    if field.name in filled_in_python(target):
        return f"f.{ws.dialect.column(field)}", []
    if (time := time_of_run(ws, field, now)) is not None:
        return typed_param(ws, field), [time]
    if field.db_default is not NOT_PROVIDED:
        return _database_default(ws, field)
    if field.has_default() and field.default is timezone.now:
        return typed_param(ws, field), [ws.dialect.encoder(field)(now)]
    default = field.get_default()
    return ("NULL", []) if default is None else (typed_param(ws, field), [ws.dialect.encoder(field)(default)])


def typed_param(ws: Workspace, field: Field[Any, Any]) -> str:
    return ws.dialect.from_base(field, "%s")


def time_of_run(ws: Workspace, field: Field[Any, Any], now: datetime.datetime, *, add: bool = True) -> Any:
    """The encoded value of a field that holds when its record was written; None for any other."""
    if not (getattr(field, "auto_now", False) or (add and getattr(field, "auto_now_add", False))):
        return None
    local = timezone.localtime(now) if timezone.is_aware(now) else now
    kind = field.get_internal_type()
    value = {"DateField": local.date(), "TimeField": local.time()}.get(kind, now)
    return ws.dialect.encoder(field)(value)


def _database_default(ws: Workspace, field: Field[Any, Any]) -> Expression:
    connection = ws.dialect.connection
    compiler = field.model._base_manager.using(connection.alias).query.get_compiler(connection=connection)
    sql, params = compiler.compile(field._db_default_expression)  # type: ignore[attr-defined]  # Django's own, untyped
    return f"({sql})", list(params)


def filled_in_python(target: Target) -> dict[str, Field[Any, Any]]:
    """The fields whose value Python makes anew for every record: callable defaults, unusable passwords."""
    return {
        name: field
        for name, field in target.fields.items()
        if not field.primary_key
        and (is_password(field) or (callable(field.default) and field.default not in (*_SAME_FOR_ALL, NOT_PROVIDED)))
    }


def fill_in(field: Field[Any, Any]) -> Any:
    """The value of a field of ``filled_in_python`` for one new record."""
    return make_password(None) if is_password(field) else field.get_default()
