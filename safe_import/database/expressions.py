"""``folding.fold`` as a Django expression."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Func, TextField

from safe_import.database.mariadb.columns import exact


class Folded(Func):
    """A text column as keys are compared. On PostgreSQL case folding holds for ASCII alone: see ``Unfoldable``."""

    output_field = TextField()

    def __init__(self, expression: Any, casefold: bool) -> None:
        super().__init__(expression)
        self.casefold = casefold

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = (
            'lower((%(expressions)s)::text COLLATE "C")' if self.casefold else "normalize((%(expressions)s)::text, NFC)"
        )
        return self.as_sql(compiler, connection, template=template)

    def as_mysql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        template = f"lower({exact('%(expressions)s')})" if self.casefold else exact("%(expressions)s")
        return self.as_sql(compiler, connection, template=template)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template=f"si_fold(%(expressions)s, {int(self.casefold)})")


class Exact(Func):
    """A text column that is equal to a text when their characters are, whatever collation the column has."""

    output_field = TextField()

    template = "%(expressions)s"

    def as_mysql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return exact(sql), params


class Unfoldable(Func):
    """Whether ``Folded`` can't fold a value, so that it has to be folded in Python."""

    output_field = BooleanField()

    def __init__(self, expression: Any, casefold: bool) -> None:
        super().__init__(expression)
        self.casefold = casefold

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        if not self.casefold:
            return "FALSE", ()
        sql, params = compiler.compile(self.source_expressions[0])
        return f"(octet_length({sql}) <> char_length({sql}))", (*params, *params)

    def as_mysql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        return f"(octet_length({exact(sql)}) <> char_length({exact(sql)}))", (*params, *params)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return "FALSE", ()


class WithoutCase(Func):
    """A text with its case folded as keys are compared, as far as SQL alone can tell on PostgreSQL.

    There, ``lower()`` of the locale and Unicode's normal form are completed by the letters that only full case folding
    brings together (CaseFolding.txt of Unicode, status F and C: sharp s, long s, final sigma).
    """

    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        lowered = f"lower(normalize(({sql})::text, NFC))"
        return f"replace(translate({lowered}, '\u017f\u03c2', 's\u03c3'), '\u00df', 'ss')", params

    def as_mysql(self, compiler: Any, connection: Any) -> Any:
        """As on PostgreSQL, but for Unicode's normal form, which MariaDB does not have."""
        sql, params = compiler.compile(self.source_expressions[0])
        folded = f"lower({exact(sql)})"
        for letter, same in (("\u017f", "s"), ("\u03c2", "\u03c3"), ("\u00df", "ss")):
            folded = f"replace({folded}, '{letter}', '{same}')"
        return folded, params

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """Python is asked for the few texts that are not ASCII; for the others ``lower()`` is the same, and faster."""
        sql, params = compiler.compile(self.source_expressions[0])
        ascii_ = f"length({sql}) = length(CAST({sql} AS BLOB))"
        return f"CASE WHEN {ascii_} THEN lower({sql}) ELSE si_fold({sql}, 1) END", (*params, *params, *params, *params)
