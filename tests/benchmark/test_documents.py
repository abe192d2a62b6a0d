"""The documents whose costs are measured."""

from __future__ import annotations

import pytest

from tests.benchmark.documents import KEPT, name, plans


@pytest.mark.parametrize("kind", KEPT)
def test_a_document_whose_memory_is_measured_is_within_the_limits(kind: str) -> None:
    text = KEPT[kind].replace("NUMBER", "7")
    cache = plans()
    cache.find(text, name(text))
    assert len(cache) == 1
