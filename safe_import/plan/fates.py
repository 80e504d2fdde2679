"""The fate of every record: create, update, unchanged or skip; and the errors that only the database can tell."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import NOT_PROVIDED, Field, Model

from safe_import.plan.joins import live, outs
from safe_import.plan.workspace import PROBLEM, Workspace
from safe_import.spec.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from safe_import.spec.link import AnyLink
    from safe_import.spec.target import Target

CREATE, UPDATE, UNCHANGED, SKIPPED = "create", "update", "unchanged", "skip"
HELD = "link_held"


# -- conditions over s (stage), p (plan) and t (the table itself), which apply and verify use as well


def new_value(ws: Workspace, target: Target, name: str, *, typed: bool = True, ref: str = "p") -> str:
    """The value that a record brings for a field; for a link, the existing record's key.

    Args:
        ws: the plan.
        target: the target.
        name: the field.
        typed: as the column's own type; else in a form that is good enough to be compared.
        ref: the alias of what says where the links lead: of the plan, once it is made; so in the functions below.
    """
    if name in target.links:
        return f"{ref}.{ws.dialect.quote(f'p_{name}')}"
    field, stage = target.field(name), ws.stages[target.number]
    value = (ws.dialect.cast if typed else ws.dialect.compared)(field, stage.value(f"v_{name}"))
    if empties_to_text(field) and (cleared := stage.cleared(name)) != "FALSE":
        return f"CASE WHEN {cleared} THEN '' ELSE {value} END"
    return value


def empties_to_text(field: Field[Any, Any]) -> bool:
    """Whether clearing the field leaves the empty text, by Django's convention, because its column refuses NULL."""
    return field.empty_strings_allowed and not field.null


def resolved(ws: Workspace, name: str, ref: str = "p") -> str:
    """A condition: the link leads somewhere, to a record of the database or of this run."""
    return f"({ref}.{ws.dialect.quote(f'p_{name}')} IS NOT NULL OR {ref}.{ws.dialect.quote(f'r_{name}')} IS NOT NULL)"


def given(ws: Workspace, target: Target, name: str, ref: str = "p") -> str:
    """A condition: the record brings the field. A link that was left empty is not brought."""
    stage = ws.stages[target.number]
    held = resolved(ws, name, ref) if name in target.links else f"{stage.value(f'v_{name}')} IS NOT NULL"
    return f"({held} OR {stage.cleared(name)})"


def written_fields(ws: Workspace, target: Target) -> list[str]:
    """The fields that some record brings, links that are taken through others among them."""
    return ws.written(target)


def changes(ws: Workspace, target: Target, name: str, existing: str = "t", ref: str = "p") -> str:
    """A condition: writing the record would change the field of the ``existing`` record, and may."""
    return f"({_differs(ws, target, name, existing, ref)} AND NOT {holds(ws, target, name, existing, ref)})"


def may_change(ws: Workspace, target: Target, name: str) -> str:
    """A condition: the record brings the field, and may write it, be it the same value once more."""
    held = holds(ws, target, name)
    return given(ws, target, name) if held == "FALSE" else f"({given(ws, target, name)} AND NOT {held})"


def holds(ws: Workspace, target: Target, name: str, existing: str = "t", ref: str = "p") -> str:
    """A condition: the link points elsewhere already, so it is held."""
    if name not in target.links or ws.force or not getattr(target.links[name], "hold", True):
        return "FALSE"
    old = f"{existing}.{ws.dialect.column(target.fields[name])}"
    return f"({old} IS NOT NULL AND {resolved(ws, name, ref)} AND {_differs(ws, target, name, existing, ref)})"


def _differs(ws: Workspace, target: Target, name: str, existing: str, ref: str) -> str:
    field = target.fields[name]
    old, new = f"{existing}.{ws.dialect.column(field)}", new_value(ws, target, name, typed=False, ref=ref)
    to_new_record = (
        f"({ref}.{ws.dialect.quote(f'p_{name}')} IS NULL AND {resolved(ws, name, ref)})"
        if name in target.links
        else "FALSE"
    )
    return f"({given(ws, target, name, ref)} AND ({to_new_record} OR {ws.dialect.differs(field, new, old)}))"


def landed(ws: Workspace, target: Target, name: str, *, typed: bool = True) -> str:
    """The value that a record writes to a field; new records of this run have their key. See ``link_joins``."""
    if name not in target.links:
        return new_value(ws, target, name, typed=typed)
    existing = f"p.{ws.dialect.quote(f'p_{name}')}"
    return (
        f"coalesce({existing}, {ws.dialect.quote(f'new_{name}')}.pk)"
        if ws.target_of(_linked(target, name))
        else existing
    )


def link_joins(ws: Workspace, target: Target) -> str:
    """Joins p with the new records that the links of ``target`` lead to."""
    joins = ""
    for name in written_fields(ws, target):
        if name in target.links and (other := ws.target_of(_linked(target, name))):
            alias = ws.dialect.quote(f"new_{name}")
            joins += f" LEFT JOIN {ws.name(other, 'new')} {alias} ON {alias}.rec = p.{ws.dialect.quote(f'r_{name}')}"
    return joins


def _linked(target: Target, name: str) -> type[Model]:
    return target.fields[name].related_model  # type: ignore[return-value]  # resolved when the apps are loaded


# -- the plan


def planned(ws: Workspace, target: Target) -> str:
    """The plan p, joined with the staged records s that hold what it writes."""
    return f"{ws.name(target, 'plan')} p JOIN {ws.name(target, 'stage')} s ON s.id = p.src"


def link_columns(ws: Workspace, target: Target) -> list[str]:
    """The columns of the plan that say where the links lead: to a primary key, or to a record of this run."""
    names = [*ws.brought_links(target), *ws.through_links(target)]
    return [ws.dialect.quote(f"{prefix}_{name}") for name in names for prefix in "pr"]


def of_existing(ws: Workspace, target: Target, ref: str) -> tuple[str, str]:
    """A condition: the record changes the existing one; and how many of its links are held."""
    fields = [name for name in written_fields(ws, target) if name not in target.key.fields]
    changed = " OR ".join(changes(ws, target, name, ref=ref) for name in fields) or "FALSE"
    links = [holds(ws, target, name, ref=ref) for name in fields if name in target.links]
    return changed, " + ".join(f"CASE WHEN {held} THEN 1 ELSE 0 END" for held in links) or "0"


def fill_plan(ws: Workspace, target: Target) -> None:
    """Gives every live record its fate. Its links are resolved, and records with the same key are merged."""
    d, pk = ws.dialect, ws.dialect.column(target.pk)
    kept = SKIPPED if target.main else UNCHANGED
    changed, held = of_existing(ws, target, "r")
    leads = "".join(f", r.{column}" for column in link_columns(ws, target))
    existing = f"'{kept}'" if target.mode == "insert" else f"CASE WHEN {changed} THEN '{UPDATE}' ELSE '{UNCHANGED}' END"
    held = "0" if target.mode == "insert" else f"CASE WHEN g.pk IS NULL THEN 0 ELSE {held} END"
    d.execute(
        f"INSERT INTO {ws.name(target, 'plan')}"
        f" SELECT g.rec, g.src, g.line, g.pk, g.ver, CASE WHEN g.pk IS NULL THEN '{CREATE}' ELSE {existing} END,"
        f" {held}{leads}"
        f" FROM {ws.name(target, 'group')} g JOIN {ws.name(target, 'stage')} s ON s.id = g.src"
        f" JOIN {ws.name(target, 'ref')} r ON r.id = g.src LEFT JOIN {d.table(target.model)} t ON t.{pk} = g.pk"
    )
    count_fates(ws, target)


def count_fates(ws: Workspace, target: Target) -> None:
    """Keeps in mind how many records have which fate, and how many of their links are held."""
    ws.dialect.analyze(f"si_{target.number}_plan")
    plan, left_alone = ws.name(target, "plan"), f"fate = '{UNCHANGED}' AND held = 0"  # as most are, which go together
    grouped = f"SELECT fate, count(*), sum(held) FROM {plan} WHERE NOT ({left_alone}) GROUP BY fate"
    alone = f"SELECT '{UNCHANGED}', count(*), 0 FROM {plan} WHERE {left_alone}"
    found = ws.dialect.rows(f"{grouped} UNION ALL {alone}")
    fates = Counter[str]()
    for fate, count, _ in found:
        fates[fate] += count
    ws.fates[target.number] = dict(+fates)
    ws.held[target.number] = sum(int(held) for *_, held in found)


def report_held(ws: Workspace, target: Target) -> None:
    """Links that point elsewhere already and are left as they are: a warning each."""
    if not ws.held[target.number]:
        return
    d, existing = ws.dialect, f"JOIN {ws.dialect.table(target.model)} t ON t.{ws.dialect.column(target.pk)} = p.pk"
    for name in written_fields(ws, target):
        if (condition := holds(ws, target, name)) != "FALSE" and name not in target.key.fields:
            d.execute(
                f"INSERT INTO {ws.shared(PROBLEM)} SELECT p.line, {target.number}, '{name}', '{HELD}', NULL, NULL, TRUE"
                f" FROM {planned(ws, target)} {existing} WHERE {condition}"
            )


# -- what can't be


def report_lossy(ws: Workspace, target: Target) -> None:
    """Values that the column, narrower in the database than in Django, would cut or round."""
    found = [_Problem(name, "would_be_cut", cut, "stage", cut) for name, cut in cut_values(ws, target)]
    _report(ws, target, f"FROM {ws.name(target, 'stage')} s", found)


def cut_values(ws: Workspace, target: Target) -> Iterator[tuple[str, str]]:
    """The fields whose column might not hold every value, with a condition under which it does not."""
    stage = ws.stages[target.number]
    for name in stage.plain_fields:
        if condition := ws.dialect.lossy(target.field(name), stage.value(f"v_{name}")):
            yield name, condition


def report_keys(ws: Workspace, target: Target) -> None:
    """Keys that stand twice in the file, that match several records, or that match none where one must exist."""
    if not target.key.fields:
        return
    key = target.key.fields[0]
    first = f"(SELECT min(y.line) FROM {ws.name(target, 'key')} y WHERE y.k = s.k)"
    other = f"CASE WHEN s.line = g.last_line THEN {first} ELSE g.last_line END"
    unnamed = "".join(f" AND r.{ws.dialect.quote(f'e_{name}')} IS NULL" for name in ws.brought_links(target))
    found = [
        _Problem(key, "key_ambiguous", "g.hits > 1", "group", "g.hits > 1"),
        _Problem(key, "key_incomplete", f"s.k IS NULL{unnamed}", "key", "s.k IS NULL"),
    ]
    if target.main:
        found.append(_Problem(key, "key_twice", "g.copies > 1", "group", "g.copies > 1", other))
    if target.mode == "update":
        found.append(_Problem(key, "not_found", "g.pk IS NULL AND s.k IS NOT NULL", "group", "g.pk IS NULL"))
    source = (
        f"FROM {ws.name(target, 'key')} s {outs(ws, target)} JOIN {ws.name(target, 'ref')} r ON r.id = s.id"
        f" LEFT JOIN {ws.name(target, 'group')} g ON g.k = s.k"
    )
    _report(ws, target, source, found, live(ws))


def report_required(ws: Workspace, target: Target) -> None:
    """New records that lack a value which their column needs and nothing else fills in."""
    found = [_lacking(ws, target, name) for name in needed_fields(target)]
    found += [_Problem(name, "not_empty", cleared, "stage", cleared) for name, cleared in emptied_in_vain(ws, target)]
    _report(ws, target, f"FROM {planned(ws, target)} JOIN {ws.name(target, 'ref')} r ON r.id = p.src", found)


def needed_fields(target: Target) -> list[str]:
    """The fields that a new record has to bring; a writer of its own may fill in anything."""
    fields = {} if callable(target.write) else target.fields
    return [name for name, field in fields.items() if needs_value(field, target.links.get(name))]


def emptied_in_vain(ws: Workspace, target: Target) -> Iterator[tuple[str, str]]:
    """The fields that some record empties although their column refuses NULL, with a condition under which it does."""
    for name in () if callable(target.write) else written_fields(ws, target):
        field, cleared = target.fields[name], ws.stages[target.number].cleared(name)
        if not (field.null or empties_to_text(field) or name in target.key.fields or cleared == "FALSE"):
            yield name, cleared


def _lacking(ws: Workspace, target: Target, name: str) -> _Problem:
    """A new record does not bring the field."""
    created, link = f"p.fate = '{CREATE}'", target.links.get(name)
    if name not in written_fields(ws, target):
        return _Problem(name, "required", created, "plan", created)
    condition = f"{created} AND NOT {given(ws, target, name)}"
    if name in ws.brought_links(target) and isinstance(link, Link) and link.missing == "error":
        condition += f" AND r.{ws.dialect.quote(f'e_{name}')} IS NULL"  # it names a record that is reported missing
    if link is not None:
        return _Problem(name, "required", condition, "plan", f"NOT {resolved(ws, name)}")
    return _Problem(name, "required", condition, "stage", f"NOT {given(ws, target, name)}")


def needs_value(field: Field[Any, Any], link: AnyLink | None) -> bool:
    """Whether a new record can't do without a value for this field in the file."""
    filled = field.primary_key and field.get_internal_type() in ("AutoField", "BigAutoField", "SmallAutoField")
    own_default = field.has_default() or field.db_default is not NOT_PROVIDED or getattr(field, "generated", False)
    dated = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    empty_text = field.empty_strings_allowed and link is None and field.get_default() == ""
    return not (filled or own_default or dated or field.null or (empty_text and field.blank) or is_password(field))


def is_password(field: Field[Any, Any]) -> bool:
    """Whether the field holds a user's password, which is made unusable in new records."""
    return field.name == "password" and hasattr(field.model, "set_unusable_password")


class _Problem(NamedTuple):
    """What may be wrong with the records.

    Args:
        field, code: of the problem.
        condition: over all tables that it takes to tell.
        table, hint: a condition over one of them, by its alias, without which the other one can't hold.
        other: the other line that it names.
    """

    field: str
    code: str
    condition: str
    table: str
    hint: str
    other: str = "NULL"


_ALIASES = {"stage": "s", "key": "s", "group": "g", "plan": "p"}


def _report(ws: Workspace, target: Target, source: str, problems: Sequence[_Problem], where: str = "TRUE") -> None:
    """Writes down what is wrong, after a quick look for what can occur at all: usually nothing does."""
    for each in _possible(ws, target, problems):
        ws.dialect.execute(
            f"INSERT INTO {ws.shared(PROBLEM)} SELECT s.line, {target.number}, '{each.field}', '{each.code}',"
            f" {each.other}, NULL, FALSE {source} WHERE {where} AND {each.condition}"
        )


def _possible(ws: Workspace, target: Target, problems: Sequence[_Problem]) -> Iterator[_Problem]:
    for table, alias in _ALIASES.items():
        hinted = [each for each in problems if each.table == table]
        if hinted:
            hints = ", ".join(f"count(CASE WHEN {each.hint} THEN 1 END)" for each in hinted)
            counts = ws.dialect.rows(f"SELECT {hints} FROM {ws.name(target, table)} {alias}")[0]
            yield from (each for each, count in zip(hinted, counts, strict=True) if count)
