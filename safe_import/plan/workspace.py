"""The temporary tables of one run, in which a plan is made. Only this module names them.

# Note [Tables of a plan]
For target number N:

- ``si_N_stage``  every record of the file; see Note [Stage columns]
- ``si_N_key``    its key: (id, line, k)
- ``si_N_group``  what each key stands for: (k, rec, src, line, pk, ver, hits, copies, live, dead_line). ``rec`` is the
  id of
  the first live record with this key, and names the record of the plan; ``src`` is the staged record that holds its
  values, which is a merged one when several bring the same key
- ``si_N_ref``    where its links lead: (id, and for each link p_ the primary key, r_ the rec in this run, e_ what is
  wrong)
- ``si_N_merge``  for a key that several records bear: (rec, line, and m_ for each field the id whose value it takes)
- ``si_N_future`` records as they will be, where a rule of the table is to be judged; see Note [Records as they will be]
- ``si_N_plan``   its fate: (rec, src, line, pk, ver, fate, held, and p_ and r_ of its links)

And for all of them: ``si_hit_K`` which records of the database have the keys of key space K, ``si_raw_K`` those whose
keys SQL can't fold; ``si_out`` the lines that are out, and why; ``si_drop`` records that are left out; ``si_problem``
errors and warnings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from safe_import.database.fields import pk_of
from safe_import.errors import SpecError
from safe_import.plan.parts import Part, key_parts, link_parts
from safe_import.plan.rules import future_columns, rules_of
from safe_import.plan.stage_table import StageTable
from safe_import.spec.link import Link, OwnLink, Through

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import Field, Model

    from safe_import.database.dialect import Dialect
    from safe_import.spec.import_spec import ImportSpec
    from safe_import.spec.target import Target

OUT, DROP, PROBLEM, ROWS = "si_out", "si_drop", "si_problem", "si_rows"
REJECT, SKIP = "reject", "skip"


@dataclass(frozen=True)
class KeySpace:
    """All records of a model under one way of comparing: the same model, fields and case folding."""

    number: int
    model: type[Model]
    fields: tuple[Field[Any, Any], ...]
    casefold: bool

    @property
    def hits(self) -> str:
        return f"si_hit_{self.number}"

    @property
    def raw(self) -> str:
        return f"si_raw_{self.number}"


@dataclass(eq=False)
class Workspace:
    """The temporary tables of one run of ``spec`` on the connection of ``dialect``.

    Args:
        force: whether links that point elsewhere are written (``--force-update``).
    """

    dialect: Dialect
    spec: ImportSpec
    force: bool = False
    out: int = 0  # how many lines and records are out, as far as the plan has come
    fates: dict[int, dict[str, int]] = field(default_factory=dict)  # by target: how many records have which fate
    held: dict[int, int] = field(default_factory=dict)  # by target: how many links are held
    in_parts: bool = False  # whether the plan is written in parts: then it has some of the new records at a time
    _spaces: dict[Any, KeySpace] = field(default_factory=dict)

    @property
    def targets(self) -> tuple[Target, ...]:
        return self.spec.targets

    @cached_property
    def stages(self) -> tuple[StageTable, ...]:
        return tuple(
            StageTable(target, self.dialect, {name: self.casefold(target, link) for name, link in key_links(target)})
            for target in self.targets
        )

    def target_of(self, model: type[Model]) -> Target | None:
        """The target of this spec that writes ``model``."""
        return next((target for target in self.targets if target.model is model), None)

    # -- names

    def name(self, target: Target, table: str) -> str:
        """The qualified name of ``stage``, ``key``, ``group``, ``ref`` or ``plan`` of a target."""
        return self.dialect.temp(f"si_{target.number}_{table}")

    def shared(self, table: str) -> str:
        return self.dialect.temp(table)

    # -- keys

    def casefold(self, target: Target, link: Link) -> bool:
        """How a link compares text: as the key of the target that it leads to, where this spec writes that one."""
        model = target.linked_model(link)
        other = self.target_of(model)
        return other.key.casefold if other and set(other.key.fields) == set(link.by) else link.casefold

    def own_space(self, target: Target) -> KeySpace:
        return self._space(target.model, tuple(part.field for part in key_parts(target)), target.key.casefold)

    def link_space(self, target: Target, name: str) -> KeySpace:
        parts = self.link_parts(target, name)
        return self._space(
            self._link_model(target, name), tuple(p.field for p in parts), self.stages[target.number].casefolds[name]
        )

    def link_parts(self, target: Target, name: str) -> tuple[Part, ...]:
        link = target.links[name]
        if isinstance(link, OwnLink):
            return ()
        if isinstance(link, Through):
            raise SpecError(f"{target.label}.{name} is taken through another link and can't be part of a key.")
        parts = link_parts(target, name, link, self.stages[target.number].casefolds[name])
        other = self.target_of(target.linked_model(link))
        if other and set(other.key.fields) == set(link.by):  # the order of its key, so that both speak of one key space
            parts = tuple(sorted(parts, key=lambda part: other.key.fields.index(part.field.name)))
        return parts

    def _link_model(self, target: Target, name: str) -> type[Model]:
        link = target.links[name]
        if isinstance(link, Through):
            raise SpecError(
                f"{target.label}.{name} is taken through another link; it has no model of its own to look in."
            )
        return target.linked_model(link)

    def _space(self, model: type[Model], fields: tuple[Field[Any, Any], ...], casefold: bool) -> KeySpace:
        identity = (model, fields, casefold)
        return self._spaces.setdefault(identity, KeySpace(len(self._spaces), model, fields, casefold))

    def linked_target(self, target: Target, name: str) -> Target | None:
        """The target of this run that writes the model which the link ``name`` leads to."""
        return self.target_of(self._link_model(target, name))

    def shares_key(self, target: Target, name: str) -> bool:
        """Whether the link ``name`` finds new records of this run, too: their target has the key it looks by."""
        other = self.linked_target(target, name)
        return other is not None and self.own_space(other) == self.link_space(target, name)

    def brought_links(self, target: Target) -> list[str]:
        """The links of ``target`` that some record brought, those first that others are found by."""
        fields = self.stages[target.number].fields
        ordered: list[str] = []
        for name, link in target.links.items():
            if not isinstance(link, Through) and name in fields:
                ordered += [each for each in (*self._links_before(target, name), name) if each not in ordered]
        return ordered

    def found_links(self, target: Target) -> list[str]:
        """Those of ``brought_links`` that are found by a key."""
        return [name for name in self.brought_links(target) if isinstance(target.links[name], Link)]

    def _links_before(self, target: Target, name: str) -> Iterator[str]:
        for part in self.link_parts(target, name):
            if part.link is not None:
                yield from self._links_before(target, part.link)
                yield part.link

    def leads_to_others(self, target: Target) -> bool:
        """Whether a record of ``target`` may be linked to one that the same row writes."""
        return any(self.linked_target(target, n) for n, link in target.links.items() if not isinstance(link, Through))

    def through_links(self, target: Target) -> dict[str, Through]:
        return {name: link for name, link in target.links.items() if isinstance(link, Through)}

    def written(self, target: Target) -> list[str]:
        """The fields that some record brings, links that are taken through others among them."""
        fields = self.stages[target.number].fields
        return [*fields, *(name for name, link in self.through_links(target).items() if link.link in fields)]

    @property
    def spaces(self) -> tuple[KeySpace, ...]:
        """Every key space that the brought keys and links speak of."""
        for target in self.targets:
            self.own_space(target)
            for name in self.found_links(target):
                self.link_space(target, name)
        return tuple(self._spaces.values())

    # -- life

    def create(self) -> None:
        """Creates the tables that are filled while the file is read."""
        with self.dialect.defining():
            self._create_stage()

    def _create_stage(self) -> None:
        create = self._create
        for stage in self.stages:
            self.dialect.drop_temp([stage.name])
            stage.create()
        create(ROWS, {"line": "bigint", "grp": self.dialect.key_type, "data": self.dialect.bytes_type})
        create(OUT, {"line": "bigint", "why": "text"})
        create(DROP, {"target": "bigint", "id": "bigint"})
        create(
            PROBLEM,
            {"line": "bigint", "target": "bigint", "field": "text", "code": "text", "other": "bigint",
             "message": "text", "warning": "boolean"},
        )  # fmt: skip

    def create_plan(self) -> None:
        """Creates the tables of the plan, once all records are staged and their columns known."""
        with self.dialect.defining():
            self._create_plan()

    def _create_plan(self) -> None:
        create, d = self._create, self.dialect
        for space in self.spaces:
            pk = d.base_type(pk_of(space.model))
            create(space.raw, {"k": d.key_type, "pk": pk, "ver": "text"})
            create(space.hits, {"k": d.key_type, "pk": pk, "ver": "text", "n": "bigint"})
        for target in self.targets:
            pk, prefix = d.base_type(target.pk), f"si_{target.number}_"
            create(prefix + "key", {"id": "bigint", "line": "bigint", "k": d.key_type})
            create(
                prefix + "group",
                {"k": d.key_type, "rec": "bigint", "src": "bigint", "line": "bigint", "pk": pk, "ver": "text",
                 "hits": "bigint", "copies": "bigint", "live": "bigint", "last_line": "bigint", "dead_line": "bigint"},
            )  # fmt: skip
            create(prefix + "merge", {"rec": "bigint", "line": "bigint", **self._merge_columns(target)})
            create(prefix + "ref", {"id": "bigint", **self._ref_columns(target)})
            create(
                prefix + "plan",
                {
                    "rec": "bigint",
                    "src": "bigint",
                    "line": "bigint",
                    "pk": pk,
                    "ver": "text",
                    "fate": "text",
                    "held": "bigint",
                    **self.lead_columns(target),
                },
            )
            if columns := self._future_columns(target):
                create(prefix + "future", columns)

    def _create(self, name: str, columns: Mapping[str, str]) -> None:
        """Creates a table in the place of one that an earlier plan, or a run that was cut off, has left."""
        self.dialect.drop_temp([name])
        self.dialect.create_temp(name, columns)

    def _merge_columns(self, target: Target) -> dict[str, str]:
        return {f"m_{name}": "bigint" for name in self.stages[target.number].fields}

    def _ref_columns(self, target: Target) -> Mapping[str, str]:
        columns: dict[str, str] = {}
        for name in [*self.brought_links(target), *self.through_links(target)]:
            columns |= {f"e_{name}": "text", f"d_{name}": "bigint"}
        return {**self.lead_columns(target), **columns}

    def lead_columns(self, target: Target) -> Mapping[str, str]:
        """The columns that say where the links of a record lead, with their types."""
        columns: dict[str, str] = {}
        for name in [*self.brought_links(target), *self.through_links(target)]:
            columns |= {f"p_{name}": self.dialect.base_type(target.fields[name]), f"r_{name}": "bigint"}
        return columns

    def _future_columns(self, target: Target) -> Mapping[str, str]:
        rules = rules_of(target, self.written(target), self.dialect)
        return future_columns(target, rules, self.dialect)

    def drop(self) -> None:
        """Drops every table of this workspace."""
        tables = ("key", "group", "ref", "merge", "plan", "future", "new", "old", "fill", "save", "pages")
        of_targets = [f"si_{target.number}_{table}" for target in self.targets for table in tables]
        of_spaces = [name for space in self._spaces.values() for name in (space.raw, space.hits)]
        stages = [stage.name for stage in self.stages]
        self.dialect.drop_temp([*stages, *of_targets, *of_spaces, OUT, DROP, PROBLEM, ROWS])


def key_links(target: Target) -> list[tuple[str, Link]]:
    """The links of a target that are found by a key, in the order of their declaration."""
    return [(name, link) for name, link in target.links.items() if isinstance(link, Link)]
