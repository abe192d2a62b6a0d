"""An operation that contradicts itself is refused when it is defined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schema.delete_contact import DELETE_CONTACT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"idempotent": False}, "from_repeat"),
        ({"from_repeat": None}, "from_repeat"),
        ({"path": "/api/contact/{id}"}, "the path names id"),
    ],
    ids=["repeat-but-not-idempotent", "idempotent-but-no-repeat", "unknown-path-parameter"],
)
def test_a_contradiction_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^deleteContact: .*{message}"):
        replace(DELETE_CONTACT, **changes)  # type: ignore[arg-type]
