"""The base of row models: one validated line of a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict

from safe_import.errors import SpecError
from safe_import.types import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class Remarks:
    """What a spec says of a row: why it refuses it, and what it warns of."""

    refusals: list[Invalid] = field(default_factory=list)
    warnings: list[Invalid] = field(default_factory=list)


class Row(BaseModel):
    r"""What a line of the file looks like. Fields are declared with the types of ``safe_import.types``.

    ``validation_alias`` of a field holds the accepted spellings of its header: a text, or ``AliasChoices`` of several;
    without one the field's own name is the header. A blank cell does not bring its field.

    Attributes:
        clearable: the fields that the clear token (``CLEAR_TOKEN``, ``\N`` unless set) may empty. Each accepts None.
    """

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        validate_by_name=True,
        validate_by_alias=False,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )
    # Slots, as pydantic's private attributes would make every row half as slow again to build.
    __slots__ = ("_found", "_line", "_remarks")

    clearable: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.clearable:
            if name not in cls.model_fields or not _accepts_none(cls.model_fields[name]):
                raise SpecError(f"{cls.__name__}.clearable names {name!r}, which is no field that accepts None.")
        for name in cls.model_fields:
            cls.spellings(name)
            if hasattr(Row, name):
                raise SpecError(f"{cls.__name__}.{name} hides an attribute that every row has; name it otherwise.")

    @classmethod
    def spellings(cls, name: str) -> tuple[str, ...]:
        """Return the accepted headers of a field, the preferred one first.

        Raises:
            SpecError: the alias is a path into a nested value, which a header can't be.
        """
        alias = cls.model_fields[name].validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [name if alias is None else alias]
        if not all(isinstance(choice, str) for choice in choices):
            raise SpecError(f"{cls.__name__}.{name}: an alias names a header; it can't be a path.")
        return tuple(map(str, choices))

    @classmethod
    def required(cls) -> tuple[str, ...]:
        """Return the names of the fields that every row has to bring."""
        return tuple(name for name, field in cls.model_fields.items() if field.is_required())

    @classmethod
    def kind_name(cls) -> str:
        """Return what messages call this kind of row: ``ladder`` for ``LadderRow``."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", cls.__name__.removesuffix("Row")).lower() or "row"

    @property
    def line(self) -> int:
        """The line of the file on which the row starts."""
        return getattr(self, "_line", 0)

    @line.setter
    def line(self, line: int) -> None:
        _set_line(self, line)
        _set_remarks(self, None)

    @property
    def found(self) -> Mapping[str, Any]:
        """What the lookups of the spec found for this row, under the names of the lookups."""
        return getattr(self, "_found", _NOTHING)

    @found.setter
    def found(self, found: Mapping[str, Any]) -> None:
        self._found = found

    @property
    def remarks(self) -> Remarks | None:
        """What the spec has said of this row; None, which is quick to ask, as long as it has said nothing."""
        return getattr(self, "_remarks", None)

    @property
    def refusals(self) -> tuple[Invalid, ...]:
        """Why the spec refuses this row, see ``refuse``."""
        return tuple(self.remarks.refusals) if self.remarks else ()

    @property
    def warnings(self) -> tuple[Invalid, ...]:
        """What the spec remarks on this row, see ``warn``."""
        return tuple(self.remarks.warnings) if self.remarks else ()

    def brought(self, *names: str) -> dict[str, Any]:
        """Return the values of those of the named fields that the file brought; a cleared one is None.

        Raises:
            SpecError: the row has no field of that name.
        """
        brought, values = self.model_fields_set, self.__dict__
        for name in names:
            if name not in values:
                raise SpecError(f"{type(self).__name__} has no field {name!r}.")
        return {name: values[name] for name in names if name in brought}

    def refuse(self, code: str, message: str, *, field: str | None = None) -> None:
        """Reject this row for a reason of the spec's own. The message is printed as it stands: no value in it.

        Args:
            code: stable, for programs.
            message: reason and remedy.
            field: the field at fault; None when it is the row as a whole.
        """
        self._remark().refusals.append(Invalid(code, message, field=field))

    def warn(self, code: str, message: str, *, field: str | None = None) -> None:
        """Remark something that does not stop the row. Arguments as of ``refuse``."""
        self._remark().warnings.append(Invalid(code, message, field=field))

    def _remark(self) -> Remarks:
        if (remarks := self.remarks) is None:
            remarks = Remarks()
            _set_remarks(self, remarks)
        return remarks


# Straight to the slots: pydantic's own way of setting an attribute takes ten times as long.
_set_line = Row.__dict__["_line"].__set__
_set_remarks = Row.__dict__["_remarks"].__set__


def _accepts_none(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)
