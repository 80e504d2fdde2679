"""The command that clears and reloads. An app of its own, because what is not installed can't be run in production."""
