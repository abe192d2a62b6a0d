"""What a bad document is told, and that telling it does not cost more than reading it."""

from __future__ import annotations

import pytest

from app.documents.cache import Documents
from app.documents.limits import Limits
from app.documents.request_error import Refusal
from app.execution.plan import CorePlan
from tests.execution.contacts import build_contact_schema

ABORTED = "Too many validation errors, error limit reached. Validation aborted."
UNKNOWN = "{ wethodContext { " + " ".join(f"unknown{number}" for number in range(30)) + " } }"


@pytest.fixture(scope="module")
def documents() -> Documents:
    """The gateway's, with its default limits."""
    return Documents(build_contact_schema(), Limits(1_000, 20, 20), introspection=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(UNKNOWN, 20, id="short"),
        pytest.param("\n" * 10_000 + UNKNOWN, 9, id="longer"),
        pytest.param("\n" * 60_000 + UNKNOWN, 1, id="long"),
        pytest.param(UNKNOWN.replace("unknown", "u" * 1_600), 2, id="long-names"),
    ],
)
def test_the_longer_a_document_the_fewer_errors_are_told(documents: Documents, text: str, told: int) -> None:
    """Each error costs a search of the text for its line and quotes names of any length: together no more than that."""
    with pytest.raises(Refusal) as refused:
        documents.find(text, None)
    assert len(refused.value.errors) == told + 1
    assert refused.value.errors[-1].message == ABORTED
    assert all("unknown" in error.message or "uuu" in error.message for error in refused.value.errors[:-1])


@pytest.mark.parametrize(("padding", "told"), [(0, 20), (60_000, 1)], ids=["short", "long"])
def test_the_longer_a_document_the_fewer_errors_of_its_variables_are_told(
    documents: Documents, padding: int, told: int
) -> None:
    """The same for variables, whose errors point into the document."""
    names = [f"v{number}" for number in range(30)]
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    uses = " ".join(f"{name}: company @skip(if: ${name})" for name in names)
    plan = documents.find("\n" * padding + f"query ({definitions}) {{ wethodContext {{ {uses} }} }}", None)
    assert not isinstance(plan, CorePlan)
    errors = plan.coerce({})
    assert isinstance(errors, list)
    assert len(errors) == told + 1
