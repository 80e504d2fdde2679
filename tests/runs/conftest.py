"""What a table holds, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from safe_import.database import dialect

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import Model


@pytest.fixture
def content() -> Callable[[type[Model]], list[tuple[Any, ...]]]:
    """Every row of a table, in the database's own text form: two of them are equal when the table is, bit for bit."""

    def read(model: type[Model]) -> list[tuple[Any, ...]]:
        database = dialect(connection)
        columns = [database.text(field, database.column(field)) for field in model._meta.concrete_fields]
        return database.rows(f"SELECT {', '.join(columns)} FROM {database.table(model)} ORDER BY 1")

    return read
