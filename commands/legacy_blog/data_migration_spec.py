"""How the data of the old blog becomes that of the new one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from commands.legacy_blog.models import Author, Comment, Post
from safe_import.errors import UsageError
from safe_import.legacy import Migration, is_a


class BlogMigration(Migration):
    """What the migrations of the blog have in common: the old database, a file of SQLite, opened read-only."""

    @classmethod
    def open_db_connection(cls) -> sqlite3.Connection:
        if not settings.LEGACY_BLOG:
            raise UsageError("SAFE_IMPORT_LEGACY_BLOG does not say where the file of the old blog is.")
        return sqlite3.connect(f"{Path(settings.LEGACY_BLOG).resolve().as_uri()}?mode=ro", uri=True)


class AuthorMigration(BlogMigration):
    """Authors had no user names; they are told apart by their address. Those who exist get their new address."""

    query = """
        SELECT id, Firstname AS firstname, Lastname AS lastname, EmailAddress AS email
        FROM authors ORDER BY id
    """
    model = Author
    allow_updates = True
    search_attr = "id"

    @classmethod
    def hook_before_save(cls, instance: Author, row: dict[str, Any]) -> None:
        instance.username = f"{row['firstname']}.{row['lastname']}".lower()

    @classmethod
    def hook_update_existing(cls, instance: Author, row: dict[str, Any]) -> None:
        if row["email"] and instance.email != row["email"]:
            instance.email = row["email"]
            instance.save(update_fields=["email"])


class CommentMigration(BlogMigration):
    """Comments; those of deleted accounts have no author."""

    query = "SELECT id, Message AS message, Author AS author, PostedAt AS posted FROM comments ORDER BY id"
    model = Comment
    depends_on = [Author]
    column_description = {"author": is_a(Author, search_attr="id", fk=True)}

    @classmethod
    def hook_after_save(cls, instance: Comment, row: dict[str, Any]) -> None:
        _keep_date(instance, row)


class PostMigration(BlogMigration):
    """Posts with their comments."""

    query = """
        SELECT id, Title AS title, Body AS body, Posted AS posted, Author AS author,
            (SELECT group_concat(c.id) FROM comments c WHERE c.Post = p.id) AS comments
        FROM posts p ORDER BY id
    """
    model = Post
    depends_on = [Author, Comment]
    column_description = {
        "author": is_a(Author, search_attr="id", fk=True),
        "comments": is_a(Comment, search_attr="id", m2m=True, delimiter=","),
    }

    @classmethod
    def hook_after_save(cls, instance: Post, row: dict[str, Any]) -> None:
        _keep_date(instance, row)


def _keep_date(instance: Comment | Post, row: dict[str, Any]) -> None:
    """Saving has set the date of today, for auto_now_add; the old one is what counts."""
    instance.posted = datetime.fromisoformat(row["posted"]).replace(tzinfo=UTC)
    instance.save(update_fields=["posted"])
