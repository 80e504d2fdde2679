"""The reference project: paired import commands over a people database. It is not part of the wheel."""
