"""A project without ``django.contrib.auth``: imports need no users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, Project

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
INSTALLED_APPS = ["safe_import", "shop"]
SAFE_IMPORT = {"BACKUP_ROOT": BASE_DIR / "backups"}
"""
MODELS = """
from django.db import models

class Author(models.Model):
    name = models.CharField(max_length=50, unique=True)

class Book(models.Model):
    title = models.CharField(max_length=50, unique=True)
    author = models.ForeignKey(Author, models.PROTECT)
"""
IMPORTS = """
from safe_import.spec import ImportSpec, Link, Row
from safe_import.types import Text
from shop.models import Author, Book

class BookRow(Row):
    title: Text
    author: Text

class BooksImport(ImportSpec):
    row = BookRow
    model = Book
    key = "title"
    links = {"author": Link(Author, "name")}
"""


def test_a_link_to_nothing_is_told_with_what_was_meant(tmp_path: Path, database_url: str) -> None:
    """Whose names are nobody's business is asked without the model of the users, which is not there."""
    project = Project(tmp_path, database_url, environment={"PYTHONPATH": str(ROOT)})
    project.write({"settings.py": SETTINGS, "shop/models.py": MODELS, "shop/imports.py": IMPORTS})
    assert project.run("python manage.py migrate --run-syncdb -v 0") == ""
    homer = "from shop.models import Author; Author.objects.create(name='Homer')"
    project.run(f'python manage.py shell --no-imports -c "{homer}"')
    project.put("books.csv", "title,author\nIliad,Hommer\n")
    printed = project.run("python manage.py import_books_prod --csv books.csv")
    assert project.exit_code == 1
    assert "line 2, column 'author'" in printed
    assert "did you mean 'Homer'" in printed
    project.put("books.csv", "title,author\nIliad,Homer\n")
    printed = project.run("python manage.py import_books_prod --csv books.csv")
    assert project.exit_code == 0, printed
