"""The declaration of one import, and the register of all of them."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from safe_import.errors import SpecError
from safe_import.spec.lookup import Lookup
from safe_import.spec.target import Mode, Record, Target, TargetDeclaration, links_of, target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.db.models import Model, QuerySet

    from safe_import.spec.key import Key
    from safe_import.spec.link import Link, Through
    from safe_import.spec.row import Row

registry: dict[str, type[ImportSpec]] = {}
namesakes: list[tuple[type[ImportSpec], type[ImportSpec]]] = []
"""Specs whose name another one has already, which is in the registry; a system check tells of them."""


class NoOptions(BaseModel):
    """The options of a spec that has none. The base of all others: unknown options are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ImportSpec:
    """The declaration of one import. See ``docs/specs.md``.

    Attributes:
        name: what commands and reports call it; the name of the class without ``Import`` unless given.
        row, rows: the model of a row, or the models of the several kinds of rows that one file may hold.
        model, key, links, mode: the usual case of one target whose fields are named as the row's.
        Options: a pydantic model (derive it from ``NoOptions``); its fields become flags of the command.
        group_by, order_by: fields of the row, for ``derive``; a ``Key`` groups without regard to case.
        checks: integrity checks, run before and after each import and by ``validate_import``.
    """

    name: ClassVar[str]
    row: ClassVar[type[Row] | None] = None
    rows: ClassVar[tuple[type[Row], ...]] = ()
    model: ClassVar[type[Model] | None] = None
    key: ClassVar[Key | str | Sequence[str] | None] = None
    links: ClassVar[Mapping[str, Link | Through]] = {}
    mode: ClassVar[Mode] = "upsert"
    Options: ClassVar[type[BaseModel]] = NoOptions
    group_by: ClassVar[Key | str | None] = None
    order_by: ClassVar[tuple[str, ...]] = ()
    checks: ClassVar[Sequence[Any]] = ()

    options: Any
    force_update: bool = False
    """Whether links that point elsewhere are written (``--force-update``), for values that depend on them."""

    def __init_subclass__(cls, *, register: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__.removesuffix("Import")).lower()
        if cls.row is not None and "rows" not in vars(cls) and ("row" in vars(cls) or not cls.rows):
            cls.rows = (cls.row,)
        if register:
            _register(cls)

    def __init__(self, options: BaseModel | None = None) -> None:
        self.options = self.Options() if options is None else options

    def derive(self, rows: Sequence[Any]) -> None:
        """Fills in what a row needs to know of earlier rows of its group.

        Called with all valid rows that share ``group_by``, in the order of ``order_by``, once a group. May set
        attributes of the rows, and refuse a row (``row.refuse``).
        """

    def clear(self) -> Iterator[QuerySet[Any]]:
        """What ``import_X --clear`` deletes on a developer's machine, in that order: every target, last one first."""
        for each in reversed(self.targets):
            yield each.model._base_manager.all()

    @cached_property
    def lookups(self) -> dict[str, Lookup]:
        """The lookups of the class, by name."""
        return {name: value for name, value in _attributes(type(self)) if isinstance(value, Lookup)}

    def shared_names(self, row: type[Row]) -> tuple[str, ...]:
        """The fields that a row and the model of the usual case both have."""
        if row not in self._shared_names:
            known = {field.name for field in self.model._meta.concrete_fields} if self.model else set()
            self._shared_names[row] = tuple(name for name in row.model_fields if name in known)
        return self._shared_names[row]

    @cached_property
    def _shared_names(self) -> dict[type[Row], tuple[str, ...]]:
        return {}

    @cached_property
    def derives(self) -> bool:
        return type(self).derive is not ImportSpec.derive

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """What this spec writes, in the order of its declaration.

        Raises:
            SpecError: no row model, ``derive`` without ``group_by``, no target, two targets of one model, or none or
            several main ones for a kind of row.
        """
        if not self.rows:
            raise SpecError(f"{type(self).__name__} needs a row, or rows.")
        if self.derives and not self.group_by:
            raise SpecError(f"{type(self).__name__} derives values, so it needs group_by.")
        declared = [value for _, value in _attributes(type(self)) if isinstance(value, TargetDeclaration)]
        if self.model is not None and self.key is not None:
            declared.append(target(self.model, key=self.key, links=self.links, mode=self.mode)(_same_names))
        models = [each.model for each in declared]
        if not models or len(set(models)) < len(models):
            raise SpecError(f"{type(self).__name__} needs at least one target, and one a model at most.")
        for kind, row in enumerate(self.rows):
            if len(self._mains(declared, kind)) != 1:
                raise SpecError(f"{type(self).__name__}: exactly one target of {row.__name__} must say main=True.")
        return tuple(self._bind(number, each, declared) for number, each in enumerate(declared))

    def _bind(self, number: int, declaration: TargetDeclaration, declared: list[TargetDeclaration]) -> Target:
        kinds = self._kinds(declaration)
        main = any(declaration in self._mains(declared, kind) for kind in kinds)
        mode = declaration.mode(self.options) if callable(declaration.mode) else declaration.mode
        links = links_of(declaration, [each.model for each in declared])
        return Target(number, declaration, links, mode, main, kinds)

    def _mains(self, declared: list[TargetDeclaration], kind: int) -> list[TargetDeclaration]:
        """The main targets of a kind of row; its only target is main without saying so."""
        rivals = [each for each in declared if kind in self._kinds(each)]
        return rivals if len(rivals) == 1 else [each for each in rivals if each.main]

    def _kinds(self, declaration: TargetDeclaration) -> frozenset[int]:
        if declaration.row is None:
            return frozenset(range(len(self.rows)))
        if declaration.row not in self.rows:
            raise SpecError(f"{declaration.row.__name__} is not among the rows of {type(self).__name__}.")
        return frozenset({self.rows.index(declaration.row)})

    def records(self, target: Target, row: Row) -> Iterable[Record]:
        """The records of ``target`` that ``row`` brings."""
        return target.declaration.make(self, row) or ()

    @cached_property
    def rows_are_records(self) -> bool:
        """Whether the rows are the records as they stand: one target, with its usual records, and no more to ask."""
        usual = [each.declaration.make for each in self.targets] == [_same_names] and len(self.rows) == 1
        own_way = self.lookups or self.derives or type(self).records is not ImportSpec.records
        return usual and not own_way and set(self.targets[0].key.fields) <= set(self.rows[0].required())

    def wanted(self, row: type[Row]) -> bool:
        """Whether rows of this kind are imported; those that are not are counted as skipped (``--ladders-only``)."""
        return True


def _register(cls: type[ImportSpec]) -> None:
    first = registry.setdefault(cls.name, cls)
    if (first.__module__, first.__qualname__) == (cls.__module__, cls.__qualname__):
        registry[cls.name] = cls  # its module was imported anew
    else:
        namesakes.append((first, cls))


def _attributes(cls: type) -> Iterator[tuple[str, Any]]:
    """The attributes of a class and its bases in the order of their declaration, each name once."""
    seen: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        seen.update(vars(base))
    return iter(seen.items())


def _same_names(spec: ImportSpec, row: Row) -> Iterator[Record]:
    """The records of the usual case: the fields of the row that the model has, too."""
    yield row.brought(*spec.shared_names(type(row)))
