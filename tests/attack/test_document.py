"""The published table is the one that is run."""

from __future__ import annotations

from tests.attack.document import DOCUMENT, render


def test_the_document_is_the_table_that_is_run() -> None:
    """``docs/attacks.md`` is what ``python -m tests.attack.document`` writes."""
    assert DOCUMENT.read_text(encoding="utf-8") == render()
