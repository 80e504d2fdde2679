"""The flags of the import commands: those of every import, and those that a spec's ``Options`` declare."""

from __future__ import annotations

from argparse import SUPPRESS, BooleanOptionalAction
from itertools import product
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from django.db import DEFAULT_DB_ALIAS, connections

from safe_import.errors import SpecError, UsageError
from safe_import.run_options import RunOptions
from safe_import.sources.column_map import read_column_map

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo

FILE_FLAGS = ("--csv", "--file")
_WRITTEN = ("log_file", "rejects", "diff")
_SPELLED_OTHERWISE = {"validate_data": "--validate", "renames": "--map"}


def add_file_flags(parser: ArgumentParser, file_flags: Sequence[str] = FILE_FLAGS) -> None:
    """Add the flags of imports whose rows come from a file.

    Args:
        parser: of the command.
        file_flags: how the flag for the file is spelled.
    """
    parser.add_argument(*file_flags, dest="csv", required=True, metavar="FILE", help="the file; - reads standard input")
    parser.add_argument("--rejects", metavar="PATH", help="where --on-error continue writes the invalid rows")
    parser.add_argument("--encoding", help="of text that is not UTF-8 and has no byte order mark")
    parser.add_argument("--delimiter", metavar="CHARACTER", help="between cells, or the word tab; found unless given")
    parser.add_argument("--sheet", metavar="NAME", help="of a spreadsheet in which several sheets hold something")
    parser.add_argument("--map", metavar="PATH", help="a YAML file of columns called otherwise: theirs: ours")


def add_run_flags(parser: ArgumentParser) -> None:
    """Add the flags that every import has, wherever its rows come from."""
    _add_flags_of_caution(parser)
    parser.add_argument("--log-file", metavar="PATH", help="append the audit log, one JSON object a line")
    parser.add_argument("--ignore-unknown", action="store_true", help="leave out columns that the import does not know")
    _add_flags_of_the_database(parser)
    parser.add_argument("--no-input", action="store_true", help="never ask; what would be asked counts as yes")
    parser.add_argument("--json", action="store_true", help="print one JSON object, and nothing else")


def _add_flags_of_caution(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show what would be done; write nothing")
    parser.add_argument("--rehearse", action="store_true", help="do everything, checks included, and roll back")
    parser.add_argument("--force-update", action="store_true", help="write links that already point elsewhere")
    parser.add_argument(
        "--on-error",
        choices=("rollback", "continue"),
        default="rollback",
        help="what an invalid row means: nothing is imported (rollback), or all but the invalid rows (continue);"
        " %(default)s unless given",
    )
    parser.add_argument(
        "--diff", metavar="PATH", help="where a dry run writes all that it would change: csv, xlsx or html by its name"
    )
    parser.add_argument("--plan", metavar="DIGEST", help="refuse any other plan than the one a dry run showed")
    parser.add_argument(
        "--max-changes",
        metavar="N|P%",
        help="refuse a plan that updates more records than this, or P%% of a table",
    )
    parser.add_argument(
        "--backup", action=BooleanOptionalAction, default=True, help="back up the tables before the first write (on)"
    )
    parser.add_argument(
        "--validate",
        dest="validate_data",
        action=BooleanOptionalAction,
        default=True,
        help="run the integrity checks before and after (on)",
    )


def _add_flags_of_the_database(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--database", choices=tuple(connections), default=DEFAULT_DB_ALIAS, help="alias of the database"
    )
    for name in ("lock", "statement", "transaction"):
        parser.add_argument(
            f"--{name}-timeout",
            type=float,
            metavar="SECONDS",
            help=f"instead of the setting {name.upper()}_TIMEOUT",
        )


def run_options(options: Mapping[str, Any], spec: type[BaseModel]) -> dict[str, Any]:
    """Return the keywords of ``run_import`` that the command line stands for.

    Args:
        options: as a command gets them.
        spec: the ``Options`` of the spec.

    Raises:
        UsageError: the file of ``--map`` can't be worked with.
    """
    chosen = {name: options[name] for name in RunOptions.model_fields if name in options}
    if options.get("map"):
        chosen["renames"] = read_column_map(options["map"])
    return {**chosen, "spec": {name: options[name] for name in spec.model_fields if name in options}}


def refuse_one_file_for_two(options: Mapping[str, Any]) -> None:
    """Keeps one flag from writing into the file that another one names.

    Rejects may have the name of the file that is read: of a rejects file that is imported again an earlier version is
    kept, and nothing else is written over.

    Raises:
        UsageError: two flags name the same file.
    """
    named = {
        name: Path(options[name]) for name in ("csv", "map", *_WRITTEN) if options.get(name) not in (None, "", "-")
    }
    for written, other in product(_WRITTEN, named):
        if written not in named or written == other or (written, other) == ("rejects", "csv"):
            continue
        if _same(named[written], named[other]):
            raise UsageError(f"{flag_of(written)} and {flag_of(other)} name the same file.")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet, or can't be looked at
        return one.resolve() == other.resolve()


# -- the options of a spec


def add_spec_flags(parser: ArgumentParser, spec: type[BaseModel]) -> None:
    """Add a flag for each field of a spec's ``Options``: ``create_users`` is ``--create-users``.

    Raises:
        SpecError: the flag means something else to every import.
    """
    taken = {action.dest for action in parser._actions}  # argparse tells nobody else
    for name, field in spec.model_fields.items():
        if name in taken:
            raise SpecError(f"{spec.__qualname__}.{name}: every import has a flag of that name; name it otherwise.")
        # What is not given is absent, so that the defaults stand once: in the model.
        parser.add_argument(flag_of(name), dest=name, default=SUPPRESS, help=_help(field), **_action(field))


def _action(field: FieldInfo) -> dict[str, Any]:
    if field.annotation is bool and field.default is True:
        return {"action": BooleanOptionalAction}
    if field.annotation is bool:
        return {"action": "store_true"}
    # The text is given to pydantic as it stands, which knows the type and says what is wrong with it.
    return {"required": field.is_required(), **_choices(field.annotation)}


def _choices(annotation: Any) -> dict[str, Any]:
    members = [kind for kind in get_args(annotation) if kind is not NoneType]
    if get_origin(annotation) is not Literal and len(members) == 1:
        return _choices(members[0])  # X | None
    return {"choices": members} if get_origin(annotation) is Literal else {}


def _help(field: FieldInfo) -> str:
    default = "" if field.annotation is bool or field.default in (None, "") or field.is_required() else field.default
    text = f"{field.description or ''}{f' ({default} unless given)' if default != '' else ''}"
    return text.replace("%", "%%")


# -- naming what is wrong


def flag_of(name: str) -> str:
    """Return the flag of an option."""
    return _SPELLED_OTHERWISE.get(name, f"--{name.replace('_', '-')}")


def usage_error(error: ValidationError) -> UsageError:
    """Return what is wrong with the command line, in the words of its flags."""
    reasons = []
    for detail in error.errors(include_url=False, include_input=False):
        named = [flag_of(str(part)) for part in detail["loc"][:1]]
        reasons.append(": ".join([*named, detail["msg"].removeprefix("Value error, ")]))
    return UsageError("; ".join(reasons))
