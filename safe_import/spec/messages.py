"""From what pydantic found to what we say: stable codes, reason and remedy.

Messages are built from the type of an error and its limits, never from its text, which may hold the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_import.records import Problem
from safe_import.types import EMAIL_PATTERN, TEXT_PATTERN, Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

REQUIRED = ("required", "a value is required")
CLEAR_NOT_ALLOWED = ("clear_not_allowed", "this column can't be emptied; leave the cell blank to keep what is there")

# pydantic's type of an error -> our code and message, which may name limits of the error's context.
_BY_TYPE: Mapping[str, tuple[str, str]] = {
    "missing": REQUIRED,
    "string_too_long": ("too_long", "at most {max_length} characters"),
    "string_too_short": ("too_short", "at least {min_length} characters"),
    "too_long": ("too_long", "at most {max_length} elements"),
    "too_short": ("too_short", "at least {min_length} elements"),
    "greater_than": ("out_of_range", "greater than {gt} is expected"),
    "greater_than_equal": ("out_of_range", "at least {ge} is expected"),
    "less_than": ("out_of_range", "less than {lt} is expected"),
    "less_than_equal": ("out_of_range", "at most {le} is expected"),
    "multiple_of": ("not_a_multiple", "a multiple of {multiple_of} is expected"),
    "decimal_max_digits": ("too_many_digits", "at most {max_digits} digits in all"),
    "decimal_max_places": ("too_many_places", "at most {decimal_places} decimal places"),
    "decimal_whole_digits": ("too_many_digits", "at most {whole_digits} digits before the decimal point"),
    "string_type": ("not_text", "a text is expected"),
    "string_unicode": ("not_text", "the text holds half a character (a lone surrogate)"),
}
_BY_PATTERN: Mapping[str, tuple[str, str]] = {
    EMAIL_PATTERN: ("not_an_email", "not an e-mail address: name@example.org is expected, and nothing beside it"),
    TEXT_PATTERN: ("not_text", "the text holds a NUL character"),
}
_WRONG_FORM = ("wrong_form", "the value does not have the form that this column needs")
_INVALID = ("invalid", "the value is not valid here ({type})")


def problem_of_error(error: ErrorDetails, line: int, columns: Mapping[str, str]) -> Problem:
    """Return the problem that an error of pydantic stands for.

    Args:
        error: as ``ValidationError.errors(include_input=False)`` has it.
        line: the line of the file on which the row starts.
        columns: field of the row -> header, as the file spells it.
    """
    context = error.get("ctx", {})
    reason = context.get("error")
    if isinstance(reason, Invalid):
        return problem_of_invalid(reason, line, columns, str(error["loc"][0]) if error["loc"] else None)
    if error["type"] == "string_pattern_mismatch":
        code, template = _BY_PATTERN.get(context["pattern"], _WRONG_FORM)
    else:
        code, template = _BY_TYPE.get(error["type"], _INVALID)
    message = template.format_map({**context, "type": error["type"]})
    return Problem(line, column_of(error["loc"], columns), code, message)


def problem_of_invalid(reason: Invalid, line: int, columns: Mapping[str, str], field: str | None = None) -> Problem:
    """Return the problem that ``Invalid`` stands for: raised by a type, or kept by ``Row.refuse`` and ``Row.warn``."""
    field = reason.field or field
    return Problem(line, columns.get(field, field) if field else None, reason.code, reason.message)


def column_of(location: tuple[int | str, ...], columns: Mapping[str, str]) -> str | None:
    """Return the header of the field that an error is about; None when it is about the whole row."""
    return columns.get(str(location[0]), str(location[0])) if location else None
