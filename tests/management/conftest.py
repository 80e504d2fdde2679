"""Fixtures of the commands' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a text into a file."""

    def write(text: str) -> Path:
        path = tmp_path / "things.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write
