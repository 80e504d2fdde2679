"""The record of every run, and the journal of what it changed."""

from __future__ import annotations

from django.db import models


class Run(models.Model):
    """One execution of one import on one source. Written in autocommit, but for ``applied``: see Note [Run states]."""

    class State(models.TextChoices):
        CREATED = "created"
        VALIDATED = "validated"
        BACKED_UP = "backed_up"
        APPLYING = "applying"
        APPLIED = "applied"
        VERIFIED = "verified"
        FAILED = "failed"
        UNDOING = "undoing"
        UNDONE = "undone"

    id = models.CharField(primary_key=True, max_length=26, editable=False)
    spec = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.CREATED)
    started = models.DateTimeField(auto_now_add=True)
    ended = models.DateTimeField(null=True)
    user = models.CharField(max_length=200)
    host = models.CharField(max_length=255)
    process = models.IntegerField()
    source = models.TextField()
    source_sha256 = models.CharField(max_length=64, blank=True)
    parent = models.CharField(max_length=26, blank=True)  # the run whose rejected rows this one brings, corrected
    arguments = models.JSONField(default=dict)
    plan = models.CharField(max_length=64, blank=True)
    backup = models.TextField(blank=True)
    report = models.JSONField(default=dict)
    failure = models.TextField(blank=True)

    class Meta:
        ordering = ("-id",)  # a ULID tells the order; the clock does not

    def __str__(self) -> str:
        return f"{self.id} {self.spec} {self.state}"


class JournalPage(models.Model):
    """Some records of one model that a run created, or that it updated. A row for each would take twice the time.

    Written by SQL, in the transaction that changes the records. ``records`` is a JSON array; of each record it holds
    ``[key, before, after]``. ``key`` is the primary key in the database's text form. For an update ``before`` and
    ``after`` are objects {column: text form} of the columns that changed, as they landed; for a created record
    ``before`` is null, and ``after`` the fingerprint of its row.
    """

    class Action(models.TextChoices):
        CREATE = "create"
        UPDATE = "update"

    # With one index, as Django's own of a text would be two on PostgreSQL.
    run = models.ForeignKey(Run, models.CASCADE, related_name="pages", db_constraint=False, db_index=False)
    model = models.CharField(max_length=200)
    action = models.CharField(max_length=6, choices=Action)
    size = models.IntegerField()  # how many records
    records = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["run"], name="safe_import_page_run")]

    def __str__(self) -> str:
        return f"{self.action} {self.size} {self.model}"
