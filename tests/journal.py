"""The journal as tests look at it: a record at a time."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One record of the journal; ``before`` and ``after`` as the page has them."""

    run: str
    model: str
    action: str
    key: str
    before: Any
    after: Any


def journal(**filters: Any) -> list[Entry]:
    """The records on those pages, in the order in which they were written."""
    from safe_import.models import JournalPage  # noqa: PLC0415 - some tests set Django up by themselves

    found = []
    for page in JournalPage.objects.filter(**filters).order_by("id"):
        records = json.loads(page.records)
        assert len(records) == page.size
        found += [Entry(page.run_id, page.model, page.action, *record) for record in records]
    return found
