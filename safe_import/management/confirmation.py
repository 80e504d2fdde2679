"""Asking before something that can't be taken back lightly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safe_import.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def confirm(question: str, options: Mapping[str, Any]) -> None:
    """Ask, unless ``--no-input`` has answered.

    Args:
        question: what will happen, as a sentence.
        options: of the command; ``no_input`` and ``json`` count.

    Raises:
        UsageError: the answer was not yes, or nobody can be asked.
    """
    if options["no_input"]:
        return
    if options["json"]:
        raise UsageError("this has to be confirmed: --json needs --no-input with it")
    try:
        answer = input(f"{question} Type yes to go on: ")
    except EOFError:
        raise UsageError("this has to be confirmed and nobody answers: give --no-input") from None
    if answer.strip().lower() != "yes":
        raise UsageError("not confirmed; nothing was changed")
