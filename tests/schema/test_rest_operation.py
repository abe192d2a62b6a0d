"""An operation that contradicts itself is refused when it is defined; the parts of a body have one set of names."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from app.http_client import transport
from schema import rest
from schema.delete_contact import DELETE_CONTACT


def test_the_contract_and_the_http_client_have_the_same_parts_of_a_body() -> None:
    """Neither may import the other, so each defines them."""
    assert get_args(rest.BodyNeed) == get_args(transport.BodyNeed) == ("none", "first", "whole")
    assert transport.MAX_BODY_BYTES == 1024 * 1024, "schema/rest.py promises 1 MiB"


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
