"""The published table is the table that the tests run."""

from __future__ import annotations

from tests.faults.document import DOCUMENT, render


def test_the_document_shows_the_table_that_runs() -> None:
    """``python -m tests.faults.document`` writes ``docs/faults.md``."""
    assert DOCUMENT.read_text(encoding="utf-8") == render()
