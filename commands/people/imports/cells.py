"""Kinds of cells that several imports of people read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from commands.people.models.ladders import CODE_LENGTH
from commands.people.models.organization import NAME_LENGTH
from safe_import.types import Text

Name = Annotated[Text, Field(max_length=NAME_LENGTH)]
Code = Annotated[Text, Field(max_length=CODE_LENGTH)]
