"""Providers of games, and what they offer: from sheets, from an API, and from the file of an older program."""
