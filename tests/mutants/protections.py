"""The protections, each as the text that makes it one, what takes it away, and the tests that must notice."""

# ruff: noqa: E501 - what a mutant is made of stands on one line, as it does in the source

from __future__ import annotations

from dataclasses import dataclass

NEVER, HOSTILE = "tests/guarantees/test_never_deletes.py", "tests/guarantees/test_hostile.py"
NEIGHBOURS, CONTENTION = "tests/guarantees/test_neighbours.py", "tests/guarantees/test_contention.py"
LANDED, CORE, CANARY = (f"tests/guarantees/test_{name}.py" for name in ("landed", "core", "canary"))
REFUSED, FUZZ = "tests/guarantees/test_refused_rows.py", "tests/sources/test_fuzz.py"
FAULTS, UNDO, UNDO_HOSTILE = (
    "tests/guarantees/test_faults.py",
    "tests/runs/test_undo.py",
    "tests/runs/test_undo_hostile.py",
)
AT_ONCE = "tests/plan/test_at_once.py"
BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Mutant:
    """One protection taken away.

    Args:
        name: of the protection.
        file: of its source, below ``safe_import``.
        text: what stands there once.
        instead: what stands there in the mutant.
        tests: files and, after ``::``, a test of theirs.
        backends: on which the tests must notice, each for itself.
    """

    name: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]
    backends: tuple[str, ...] = BOTH


PG, LITE = ("postgresql",), ("sqlite",)
WITNESS, AUTHORIZER = "database/postgresql/witness.py", "database/sqlite/guard.py"
KEYS = "database/postgresql/kept_keys.py"
RESTART = "tests/guarantees/test_restart.py"
BACKUP, PRUNING = "tests/backup/test_write.py", "tests/backup/test_prune.py"

MUTANTS = (
    Mutant("wrapper", "database/guard.py", "if refused := dialect.refused(sql):", "if refused := None:",
           (f"{NEVER}::test_a_hook_that_deletes_is_told_so_at_its_own_line",)),
    Mutant("authorizer", AUTHORIZER, "    raw.set_authorizer(_making_no_triggers(made, _keeping_keys(targets, rewritten, removing)))\n", "",
           (f"{HOSTILE}::test_a_trigger_that_replaces_one_row_by_another_is_refused",), LITE),
    Mutant("new triggers", AUTHORIZER, "if action in _MAKES_TRIGGERS:", "if False:",
           (f"{HOSTILE}::test_a_hook_that_makes_a_trigger_is_refused",), LITE),
    Mutant("words before the verb", "database/guard.py", "if not found and _LEADS.match(bare):", "if False:",
           (f"{HOSTILE}::test_a_deletion_behind_a_common_table_is_told_at_its_own_line",)),
    Mutant("REPLACE in declarations", AUTHORIZER, "if action in _ADDS and", "if False and",
           (f"{HOSTILE}::test_a_table_that_replaces_on_conflict_is_refused",), LITE),
    Mutant("count of rows", AUTHORIZER, "if after.get(table, -1) <", "if False and after.get(table, -1) <",
           (f"{HOSTILE}::test_a_hook_that_replaces_around_django_is_found_by_the_count",), LITE),
    Mutant("witness: counters", WITNESS, "for table, n in deleted.items() if n > 0}", "for table, n in () if n > 0}",
           (f"{NEVER}::test_a_trigger_that_removes_rows_rolls_the_run_back",), PG),
    Mutant("witness: locks", WITNESS, "for (table,) in self.dialect.rows(_EXCLUSIVE)]", "for (table,) in ()]",
           (f"{NEVER}::test_a_trigger_that_removes_rows_rolls_the_run_back",), PG),
    Mutant("witness: lost races", WITNESS, "may_be_a_race = not gone and", "may_be_a_race = False and",
           (f"{CONTENTION}::test_a_hook_that_loses_a_race_on_conflict_fails_nothing",), PG),
    Mutant("witness: no lost race", WITNESS, "all(n <= inserted[table] for", "all(n for",
           (f"{CONTENTION}::test_a_deletion_beside_an_insertion_is_refused",), PG),
    Mutant("keys of others: denied", AUTHORIZER, "if action == sqlite3.SQLITE_UPDATE and (", "if False and (",
           (f"{HOSTILE}::test_a_primary_key_of_another_record_that_a_trigger_rewrites_is_refused",), LITE),
    Mutant("keys of others: counted", "stages/verify.py", "    witness.assert_keys_kept(updated)\n", "",
           (f"{HOSTILE}::test_a_primary_key_of_another_record_that_a_trigger_rewrites_is_refused",), PG),
    Mutant("keys of others: savepoints", KEYS, "pg_xact_status((pg_current_xact_id()::text::numeric - age(t.xmin))::text::xid8) = 'in progress'", "age(t.xmin) = 0",
           (f"{HOSTILE}::test_a_primary_key_that_a_hook_rewrites_in_a_savepoint_is_refused",), PG),
    Mutant("witness: settings", WITNESS, 'if track != "on" or role != "origin":', "if False:",
           (f"{NEVER}::test_a_database_that_does_not_count_is_refused",), PG),
    Mutant("witness: blinding functions", WITNESS, "        self._assert_nothing_blinds()\n", "",
           (f"{HOSTILE}::test_a_function_that_blinds_the_witness_is_refused_by_name",), PG),
    Mutant("deferred triggers", "database/postgresql/dialect.py", 'self.execute("SET CONSTRAINTS ALL IMMEDIATE")', "pass",
           (f"{NEVER}::test_a_trigger_that_removes_rows_rolls_the_run_back",), PG),
    Mutant("records stay where they are", "findings.py", "if reason := moves_records(self.ws):", "if reason := None:",
           (f"{HOSTILE}::test_a_primary_key_that_a_file_rewrites_is_refused",)),
    Mutant("run lock", "pipeline.py", "        if not self.options.commits:\n            return nullcontext()\n        return self.dialect.run_lock(",
           "        return nullcontext()\n        return self.dialect.run_lock(",
           (f"{NEIGHBOURS}::test_a_second_run_on_the_same_target_is_refused",)),
    Mutant("row lock", "database/postgresql/dialect.py", "ORDER BY {pk} FOR NO KEY UPDATE", "ORDER BY {pk}",
           (f"{CONTENTION}::test_the_victim_of_a_deadlock_is_planned_anew",), PG),
    Mutant("version of a row", "database/dialect.py", "l.ver <> p.ver", "1 = 0",
           (f"{NEIGHBOURS}::test_edits_that_go_on_make_the_run_fail_clean",), PG),
    Mutant("version of the database", "database/sqlite/dialect.py", "if self._data_version not in (None,", "if False and (None,",
           (f"{NEIGHBOURS}::test_edits_that_go_on_make_the_run_fail_clean",), LITE),
    Mutant("keys that no index guards", "stages/apply/__init__.py", "if keys_of_database(ws, target, keys_of_created(ws, target)):", "if False:",
           (f"{NEIGHBOURS}::test_a_record_created_meanwhile_is_not_created_twice",), PG),
    Mutant("once more", "attempts.py", "self._begun_anew = False", "self._begun_anew = True",
           (f"{NEIGHBOURS}::test_an_edit_between_plan_and_apply_is_seen_and_kept",)),
    Mutant("reading only", "pipeline.py", "with self.dialect.reading_only(self.timeouts):", "with nullcontext():",
           (f"{NEIGHBOURS}::test_the_database_refuses_writes_before_the_plan_is_made",)),
    Mutant("journal", "stages/apply/__init__.py", "write_journal(ws, target, run)", "pass", (f"{UNDO}::test_undo_is_exact",)),
    Mutant("formats of the session", "database/postgresql/dialect.py", "f\"set_config('{name}', '{value}', true)\"",
           "f\"'{name}{value}'\"", (f"{CONTENTION}::test_a_run_under_one_set_of_formats_is_undone_under_another",), PG),
    Mutant("marker", "pipeline.py", "self.books.enter(State.APPLIED)", "pass",
           (f"{CONTENTION}::test_an_answer_to_commit_that_never_comes_is_resolved_by_the_marker",)),
    Mutant("what landed: values", "stages/verify.py", "    for name, count in wrong.items():\n        if count:", "    for name, count in wrong.items():\n        if False:",
           (f"{LANDED}::test_a_trigger_that_rewrites_what_was_written_is_an_error",)),
    Mutant("at once: odd records", "plan/at_once.py", "_ODD not in fates and ", "", (AT_ONCE,)),
    Mutant("at once: keys twice", "plan/at_once.py", "sum(fates.values()) == count", "True", (AT_ONCE,), PG),
    Mutant("what landed: asked at all", "stages/verify.py", "right.get(fate, 0) != ws.fates[target.number].get(fate, 0)", "False",
           (f"{LANDED}::test_a_trigger_that_skips_a_record_is_an_error",)),
    Mutant("what landed: at a glance", "runs/journal.py", "sum(size - amiss)", "sum(size)",
           (f"{LANDED}::test_a_trigger_that_rewrites_what_was_written_is_an_error",)),
    Mutant("what landed: records", "stages/verify.py", "if number != planned:", "if False:",
           (f"{LANDED}::test_a_trigger_that_skips_a_record_is_an_error",)),
    Mutant("checks", "stages/verify.py", 'if r.severity == "error" and r.introduced', "if False",
           (f"{LANDED}::test_a_violation_that_the_run_introduces_rolls_it_back",)),
    Mutant("checks: before and after", "checks/run.py", "b.name = a.name AND b.pk = a.pk", "b.name = a.name",
           (f"{LANDED}::test_a_run_that_mends_one_violation_and_makes_another_is_rolled_back",)),
    Mutant("statement timeout", "pipeline.py", "options.statement_timeout or conf().STATEMENT_TIMEOUT", "3600",
           (f"{CONTENTION}::test_what_takes_too_long_is_rolled_back",)),
    Mutant("transaction timeout", "pipeline.py", "options.transaction_timeout or conf().TRANSACTION_TIMEOUT", "None",
           (f"{CONTENTION}::test_what_takes_too_long_is_rolled_back",)),
    Mutant("fsync of a file", "backup/files.py", "        file.flush()\n        failpoint(\"backup.file_written\")\n        os.fsync(descriptor)", "        file.flush()",
           (f"{FAULTS}::test_everything_of_a_backup_is_on_the_disk_before_the_data_is_touched",), LITE),
    Mutant("fsync of a folder", "backup/files.py", "    try:\n        os.fsync(descriptor)\n", "    try:\n        pass\n",
           (f"{FAULTS}::test_everything_of_a_backup_is_on_the_disk_before_the_data_is_touched",), LITE),
    Mutant("a backup is read back", "backup/write.py", "    verify_backup(new.path)\n", "",
           ("tests/backup/test_write.py::test_bytes_that_changed_on_their_way_to_the_disk_are_found",), LITE),
    Mutant("a backup locks its tables", "database/postgresql/tables.py", '            self._execute(f"LOCK TABLE {tables} IN ACCESS SHARE MODE")\n', "",
           (f"{BACKUP}::test_nobody_truncates_or_alters_a_table_while_it_is_backed_up",), PG),
    Mutant("blocks of one size", "backup/chunks.py", 'yield from iter(lambda: reader.read(_BLOCK), b"")', "yield reader.readall()",
           (f"{BACKUP}::test_neither_backup_nor_restore_holds_a_table_in_memory",)),
    Mutant("restore: unknown", "database/commit.py", "if sent and went_away(error):", "if False:", (RESTART,), PG),
    Mutant("commit: a server that restarts", "bookkeeping.py", "AT_COMMIT if at_commit else 0", "0", (RESTART,), PG),
    Mutant("commit: unknown", "bookkeeping.py", "return self._perhaps_committed(failure) if at_commit else failure", "return failure",
           (f"{CONTENTION}::test_what_nobody_can_ask_about_is_not_called_rolled_back",)),
    Mutant("commit: goes on without us", "runs/record.py", ".exclude(state__in=(State.APPLIED, State.VERIFIED))", "",
           ("tests/runs/test_record.py::test_a_run_whose_commit_goes_on_without_us_is_not_called_failed",), PG),
    Mutant("pruning of a journal", "runs/prune.py", "    with transaction.atomic(using=alias, durable=True):\n", "    if transaction:\n",
           ("tests/runs/test_prune.py::test_a_failure_at_any_place_leaves_a_whole_journal_or_none",)),
    Mutant("undo: later edits", "runs/undo_plan.py", 'self._conflict(each, "changed", field.column,', '(each, "changed", field.column,',
           (f"{UNDO}::test_one_later_edit_and_nothing_is_undone",)),
    Mutant("undo: references", "runs/undo_plan.py", "while JournalPage.Action.CREATE in self.actions and self._find_references():", "while False:",
           (f"{UNDO}::test_a_created_record_that_others_refer_to_is_a_conflict",)),
    Mutant("undo: what landed", "runs/undo.py", "                self._verify(each)\n", "                pass\n",
           (f"{UNDO_HOSTILE}::test_a_trigger_that_rewrites_what_was_put_back",)),
    Mutant("undo: witness", "runs/undo.py", "            witness.assert_nothing_deleted({}, {table: self.result.deleted[label] for table, label in tables.items()})\n", "",
           (f"{UNDO_HOSTILE}::test_a_trigger_that_deletes_more_of_the_same_table",)),
    Mutant("undo: run lock", "runs/undo.py", 'with self.dialect.run_lock(tables, lock_holder(f"undo of {self.run_id}")), self._tables():', "with self._tables():",
           (f"{UNDO_HOSTILE}::test_a_run_on_the_same_target_goes_first",)),
    Mutant("restore: run lock", "backup/restore.py", 'with dialect(connection).run_lock(order, f"process {os.getpid()}, restore of backup {manifest.id}"):', "if True:",
           ("tests/backup/test_restore.py::test_a_restore_waits_for_no_run_and_refuses",)),
    Mutant("pruning of a journal: run lock", "runs/prune.py", 'with dialect(connections[alias]).run_lock(tables, lock_holder(f"pruning of {run_id}")):', "if True:",
           ("tests/runs/test_prune.py::test_the_journal_of_a_run_that_somebody_undoes_stays",)),
    Mutant("pruning of backups: pinned", "backup/prune.py", "if is_pinned(backup.path):", "if False:",
           (f"{PRUNING}::test_pinned_and_needed_backups_stay",), LITE),
    Mutant("pruning of backups: needed", "backup/prune.py", "if backup.id in needed or backup.run in needed else", "if False else",
           (f"{PRUNING}::test_pinned_and_needed_backups_stay",), LITE),
    Mutant("pruning of backups: since it began", "backup/prune.py", "if reason := _spoken_for(backup, needed()):", 'if reason := "":',
           (f"{PRUNING}::test_what_is_pinned_or_needed_since_the_pruning_began_stays",), LITE),
    Mutant("fsync of the root", "backup/store.py", "            sync_directory(root)\n        except", "            pass\n        except",
           (f"{FAULTS}::test_everything_of_a_backup_is_on_the_disk_before_the_data_is_touched",), LITE),
    Mutant("fsync of the root: failed", "backup/store.py", "            target.rename(path)", "            pass",
           (f"{BACKUP}::test_an_fsync_that_fails_ends_the_backup",), LITE),
    Mutant("hash of a chunk", "backup/chunks.py", "if stored.hexdigest() != chunk.stored_sha256:", "if False:",
           ("tests/backup/test_encryption.py::test_every_flipped_byte_of_an_encrypted_chunk_is_found",), LITE),
    Mutant("hash of the lines", "backup/chunks.py", "if plain.hexdigest() != chunk.plain_sha256:", "if False:",
           ("tests/backup/test_verify.py::test_lines_that_are_not_the_manifests_are_found",), LITE),
    Mutant("recovery: lock", "runs/recover.py", "with dialect(connections[alias]).run_lock(tables, lock_holder(f\"recovery of {run.id}\")):", "if True:",
           ("tests/runs/test_recover.py::test_a_run_at_work_is_left_alone",)),
    Mutant("texts of causes", "pipeline.py", "raise failure from without_text(failure.__cause__ if failure is error else error)", "raise failure from error", (CANARY,)),
    Mutant("texts of the database", "bookkeeping.py", "The import was rolled back: {describe(error)}.", "The import was rolled back: {error}.", (CANARY,)),
    Mutant("refused rows", "stages/apply/search.py", "if first == last:", "if False:",
           (f"{REFUSED}::test_the_rows_that_a_trigger_refuses_are_named_and_nothing_is_written",)),
    Mutant("refused records of several rows", "stages/apply/search.py", "JOIN {name(target, 'key')} q ON q.k = g.k", "JOIN {name(target, 'key')} q ON q.id = g.rec",
           (f"{REFUSED}::test_every_row_that_brings_a_refused_record_is_at_fault",)),
    Mutant("search that gave up", "stages/apply/search.py", "complete=not self.gave_up", "complete=True",
           (f"{REFUSED}::test_a_search_that_gives_up_says_so_and_nothing_is_imported",)),
    Mutant("words of a trigger", "database/failures.py", 'if name == "SQLITE_CONSTRAINT_TRIGGER":', "if False:",
           (f"{REFUSED}::test_the_reason_names_no_value",), LITE),
    Mutant("depth of JSON", "strict_json.py", "_DEEPEST = 100", "_DEEPEST = 10**9",
           (f"{FUZZ}::test_a_file_that_once_did_harm_does_none",), LITE),
)  # fmt: skip
