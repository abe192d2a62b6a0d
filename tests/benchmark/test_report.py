"""The figures in documents are those of the results file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.benchmark.report import BLOCKS, DOCUMENTS, ROOT, render
from tests.benchmark.results import read_results

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_figures_of_a_document_are_those_of_the_results_file(path: Path) -> None:
    """``scripts/benchmark --report`` writes them."""
    text = path.read_text(encoding="utf-8")
    assert render(text, read_results()) == text


def test_each_block_is_in_a_document() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert [name for name in BLOCKS if f"<!-- benchmark: {name} -->\n" not in text] == []
