"""System checks of every registered spec. Their ids are stable, so that a project can silence one.

None of them asks a database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.checks import CheckMessage, Error
from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import CompositePrimaryKey

from safe_import.errors import SpecError
from safe_import.management.options import add_file_flags, add_run_flags, add_spec_flags
from safe_import.spec.import_spec import namesakes, registry
from safe_import.spec.resolving import spec_errors
from safe_import.spec.saving import reason_to_save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Field
    from pydantic import BaseModel

    from safe_import.spec.import_spec import ImportSpec
    from safe_import.spec.target import Target

UNRESOLVED: Final = "safe_import.E101"
WRITE_NOT_CHOSEN: Final = "safe_import.E102"
MULTI_TABLE: Final = "safe_import.E103"
COMPOSITE_KEY: Final = "safe_import.E104"
RANDOM_VALUE: Final = "safe_import.E105"
FLAG_TAKEN: Final = "safe_import.E106"
NAME_TAKEN: Final = "safe_import.E107"

# What a field is asked to prepare twice, by its internal type; any other type is asked with a text.
_SAMPLES = {"IntegerField": 1, "BigIntegerField": 1, "FloatField": 1.0, "BooleanField": True, "BinaryField": b"x"}


def check_specs(**_: Any) -> list[CheckMessage]:
    """Report everything wrong with the specs of all installed apps."""
    return [*_names_taken(), *(message for spec in registry.values() for message in check_spec(spec))]


def _names_taken() -> Iterator[CheckMessage]:
    """Runs and reports know a spec by its name, so each needs one of its own."""
    for first, second in namesakes:
        message = f"Two specs are called {first.name!r}: {_name(first)} and {_name(second)}."
        yield Error(message, hint="Give one of them another `name`.", obj=_name(second), id=NAME_TAKEN)


def check_spec(spec: type[ImportSpec]) -> list[CheckMessage]:
    """Report everything wrong with one spec."""
    bound = spec(_default_options(spec.Options))
    unresolved: list[CheckMessage] = [
        Error(message, hint="Correct the declaration; see docs/specs.md.", obj=_name(spec), id=UNRESOLVED)
        for message in spec_errors(bound)
    ]
    if unresolved:
        return unresolved
    return [*_flags(spec), *(message for target in bound.targets for message in _of_target(spec, target))]


def _default_options(options: type[BaseModel]) -> BaseModel:
    """The options as far as they have defaults; a required one has no value before a command is given."""
    return options.model_construct(**dict.fromkeys(name for name, f in options.model_fields.items() if f.is_required()))


def _flags(spec: type[ImportSpec]) -> Iterator[CheckMessage]:
    parser = BaseCommand().create_parser("manage.py", spec.name)
    add_file_flags(parser)
    add_run_flags(parser)
    try:
        add_spec_flags(parser, spec.Options)
    except SpecError as error:
        yield Error(str(error), hint="Rename the field of the options.", obj=_name(spec), id=FLAG_TAKEN)


def _of_target(spec: type[ImportSpec], target: Target) -> Iterator[CheckMessage]:
    model, obj = target.model, _name(spec)
    if model._meta.concrete_model._meta.parents:  # type: ignore[union-attr]  # an installed model has a concrete one
        hint = "Declare targets for models with one table each."
        yield Error(f"{target.label} keeps its data in several tables (inheritance).", hint, obj, MULTI_TABLE)
    if isinstance(model._meta.pk, CompositePrimaryKey):
        hint = "Give the model a primary key of one column."
        yield Error(f"{target.label} has a composite primary key.", hint, obj, COMPOSITE_KEY)
    if target.declaration.write is None and (reason := reason_to_save(model)):
        yield Error(
            f"{target.label} {reason}, which writing by SQL does not run.",
            'Choose @target(..., write="save") to run it for every record, or write="sql" to go without.',
            obj,
            WRITE_NOT_CHOSEN,
        )
    for field in model._meta.concrete_fields:
        if _prepares_at_random(field):
            yield Error(
                f"{target.label}.{field.name} is stored differently each time (encrypted?), so it can't be compared.",
                "Leave the field out of the import; silence this check if it is left out already.",
                spec,
                RANDOM_VALUE,
            )


def _prepares_at_random(field: Field[Any, Any]) -> bool:
    if type(field).__module__.startswith("django."):
        return False
    connection, sample = connections[DEFAULT_DB_ALIAS], _SAMPLES.get(field.get_internal_type(), "x")
    try:
        first, second = (_plain(field.get_db_prep_save(sample, connection)) for _ in range(2))
    except Exception:  # noqa: BLE001 - another project's field, asked with a value that it may not like: nothing is known
        return False
    return bool(first != second)


def _name(spec: type[ImportSpec]) -> str:
    return f"{spec.__module__}.{spec.__qualname__}"


def _plain(prepared: Any) -> Any:
    """A prepared value in a form that can be compared: adapters of a driver compare by identity."""
    return bytes(prepared) if isinstance(prepared, memoryview) else str(prepared)
