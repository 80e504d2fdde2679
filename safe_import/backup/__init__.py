"""Backups: written, verified, restored, kept. ``docs/backup-format.md`` is the contract of what lies on the disk."""
