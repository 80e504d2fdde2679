"""What a type, or a rule of a row model, raises where a cell breaks it."""

from __future__ import annotations


class Invalid(ValueError):
    """A cell, or a row, breaks a rule. Raise it in a validator of a row model to give the rule your own message.

    Args:
        code: stable, for programs.
        message: reason and remedy. It is printed and logged as it stands: never put the value in it.
        field: the name of the row's field at fault, where a validator of the whole row raises this.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
