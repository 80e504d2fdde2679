"""The report for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safe_import.records import RunResult


def render_json(result: RunResult, failure: str | None = None) -> str:
    """Return one JSON object on one line. ASCII alone, so that no encoding of a terminal or a pipe can garble it.

    Args:
        result: what the run came to.
        failure: why it was refused or failed, in one line; None when it was not.
    """
    return json.dumps({**result.as_dict(), "error": failure})
