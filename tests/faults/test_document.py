"""The published table is the one that is run."""

from __future__ import annotations

from tests.faults.document import DOCUMENT, render


def test_the_document_is_the_table_that_is_run() -> None:
    """``docs/faults.md`` is what ``python -m tests.faults.document`` writes."""
    assert DOCUMENT.read_text(encoding="utf-8") == render()
