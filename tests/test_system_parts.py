"""A missing part of the machine skips a test with its name, and fails it in CI."""

from __future__ import annotations

import pytest

from tests.system_parts import require


@pytest.mark.parametrize(
    ("ci", "outcome"),
    [(None, pytest.skip.Exception), ("false", pytest.skip.Exception), ("true", pytest.fail.Exception)],
    ids=["at-home", "not-ci", "ci"],
)
def test_a_missing_part_skips_the_test_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str | None, outcome: type[BaseException]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="needs a left-handed browser"):
        require("a left-handed browser", present=False)


def test_a_present_part_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    require("Python", present=True)
