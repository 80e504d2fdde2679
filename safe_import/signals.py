"""Signals that other apps may listen to."""

from __future__ import annotations

from django.dispatch import Signal

import_committed = Signal()
"""Sent after the commit of an import, with ``result``, a RunResult. A receiver that fails does not undo anything."""
