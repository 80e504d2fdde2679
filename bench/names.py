"""What cases and contestants are called in results, bars and tables."""

CREATE, HALF, NOTHING = CASES = ("create", "half changed", "nothing changed")
DRY_RUN, BACKUP, RESTORE, MEMORY = "dry run", "backup", "restore", "memory"
US, LIMIT, LIBRARY = "safe_import", "hand-written SQL", "django-import-export"
LIBRARY_SKIPPING = f"{LIBRARY}, skip_unchanged"
US_BESIDE = f"{US}, in turns with {LIBRARY}"
