"""Kinds of cells that several imports of people read."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from commands.people.models.organization import NAME_LENGTH
from safe_import.types import Email, Text


def _empty_text(value: str | None) -> str:
    """The clear token arrives as None; a text column holds '' instead."""
    return value or ""


Name = Annotated[Text, Field(max_length=NAME_LENGTH)]
ClearableText = Annotated[Text | None, AfterValidator(_empty_text)]
ClearableEmail = Annotated[Email | None, AfterValidator(_empty_text)]
