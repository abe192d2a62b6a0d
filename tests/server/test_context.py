"""What crosses the border between the processes."""

from __future__ import annotations

import pickle

from app.server.context import WorkerContext
from app.settings import Settings


def test_a_context_survives_the_way_to_a_worker() -> None:
    """Every part of it is a value."""
    context = WorkerContext(Settings(gateway_workers=2), audit_key=b"k" * 32, sandbox=True, index=1)
    assert pickle.loads(pickle.dumps(context)) == context  # noqa: S301 - our own bytes


def test_the_audit_key_is_not_shown() -> None:
    """A log line with a context in it gives no key away."""
    assert "secret" not in repr(WorkerContext(Settings(), audit_key=b"secret-key-of-this-start"))
