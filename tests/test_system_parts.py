"""A missing part of the machine is named, and in CI it is a failure."""

from __future__ import annotations

import pytest

from tests.system_parts import require


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [(None, pytest.skip.Exception), ("false", pytest.skip.Exception), ("true", pytest.fail.Exception)],
    ids=["at-home", "not-ci", "ci"],
)
def test_a_missing_part_is_named(monkeypatch: pytest.MonkeyPatch, ci: str | None, outcome: type[BaseException]) -> None:
    """At home the test is skipped, in CI it fails, and both say what is missing."""
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="needs a left-handed browser"):
        require("a left-handed browser", present=False)


def test_a_present_part_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test goes on, in CI too."""
    monkeypatch.setenv("CI", "true")
    require("Python", present=True)
