"""The commands that clear and reload. An app of its own, because what is not installed can't be run in production."""
