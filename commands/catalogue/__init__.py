"""A directory of apps: who made them, what they are about, how they look."""
