"""Whether saving an instance of a model does more than writing its row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.signals import m2m_changed, post_save, pre_save

if TYPE_CHECKING:
    from django.db.models import Model

_STOCK_SAVE = ("django.db.models.", "django.contrib.auth.")


def reason_to_save(model: type[Model]) -> str:
    """What of a model's own would not run without ``save()``; empty when there is nothing."""
    for method in (model.save, model.save_base):
        if not method.__module__.startswith(_STOCK_SAVE):
            return f"has a {method.__name__}() of its own"
    for name, signal in (("pre_save", pre_save), ("post_save", post_save), ("m2m_changed", m2m_changed)):
        if signal.has_listeners(model):
            return f"has receivers of {name}"
    return ""
