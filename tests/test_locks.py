"""The lock files: every package is pinned, hashed, licensed and the one that is installed."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = sorted(path.relative_to(ROOT) for pattern in ("*.lock", "tests/*/*.lock") for path in ROOT.glob(pattern))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = {
    "requirements.lock": PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["otel"],
    "requirements-dev.lock": PROJECT["dependency-groups"]["dev"],
    "requirements-build.lock": PROJECT["dependency-groups"]["build"],
    "requirements-node.lock": PROJECT["dependency-groups"]["node"],
    "requirements-deploy.lock": PROJECT["dependency-groups"]["deploy"],
    "requirements-audit.lock": PROJECT["dependency-groups"]["audit"],
    "requirements-mutants.lock": PROJECT["dependency-groups"]["mutants"],
}

LICENCES = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla Public License 2\.0|0BSD|Unlicense"
)
"""Licences that require only a copy of their text, and MPL, which requires the publication of changes to its files."""


def pinned(lock: Path) -> dict[str, Requirement]:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, Requirement] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        stated, *hashes = re.split(r"\s+--hash=", line)
        assert hashes, line
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item) for item in hashes), line
        requirement = Requirement(stated)
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} is pinned twice"
        found[name] = requirement
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_package_is_pinned_by_version_and_hash(lock: Path) -> None:
    packages = pinned(lock)
    assert packages
    for requirement in packages.values():
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        assert "*" not in specifier.version
        assert requirement.url is None


@pytest.mark.parametrize("name", GROUPS)
def test_a_lock_has_every_stated_dependency(name: str) -> None:
    packages = pinned(Path(name))
    for stated in map(Requirement, GROUPS[name]):
        (specifier,) = packages[canonicalize_name(stated.name)].specifier
        assert stated.specifier.contains(specifier.version, prereleases=True), stated


def test_the_tests_use_the_shipped_versions() -> None:
    shipped, tested = pinned(Path("requirements.lock")), pinned(Path("requirements-dev.lock"))
    assert {name: str(tested[name]) for name in shipped} == {name: str(one) for name, one in shipped.items()}


def test_the_image_is_built_with_versions_that_the_tests_use() -> None:
    building, tested = pinned(Path("requirements-build.lock")), pinned(Path("requirements-dev.lock"))
    assert {name: tested[name].specifier for name in building} == {
        name: one.specifier for name, one in building.items()
    }


def test_the_installed_versions_are_the_locked_ones() -> None:
    for name, requirement in pinned(Path("requirements-dev.lock")).items():
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.specifier.contains(metadata.version(name), prereleases=True), name


def test_required_extras_are_pinned() -> None:
    """For pip, a package with an extra needs its own pin."""
    packages = pinned(Path("requirements-dev.lock"))
    for name, requirement in packages.items():
        if requirement.marker is None or requirement.marker.evaluate():
            for needed in map(Requirement, metadata.requires(name) or ()):
                if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                    assert needed.extras <= packages[canonicalize_name(needed.name)].extras, f"{name}: {needed}"


def test_every_shipped_package_has_a_permissive_licence() -> None:
    for name, requirement in pinned(Path("requirements.lock")).items():
        if requirement.marker is None or requirement.marker.evaluate():
            about = metadata.metadata(name)
            classifiers = [item for item in about.get_all("Classifier") or () if item.startswith("License ::")]
            stated = " ".join(
                (about.get_all("License-Expression") or classifiers or about.get_all("License") or [])[:3]
            )
            assert LICENCES.search(stated), f"{name}: {stated!r}"
            assert not re.search(r"\b(?:A|L)?GPL", stated), f"{name}: {stated!r}"
