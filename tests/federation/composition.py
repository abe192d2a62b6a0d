"""Supergraphs of our SDL and neighbours, by the composer of each router."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from schema.sdl import subgraph_sdl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parent
APOLLO = "@apollo/composition"
GUILD = "@theguild/federation-composition"
COSMO = "@wundergraph/composition"
APOLLO_2_4 = "@apollo/composition 2.4"
APOLLO_2_7 = "@apollo/composition 2.7"
COMPOSERS = (APOLLO, APOLLO_2_4, APOLLO_2_7, GUILD, COSMO)


@dataclass(frozen=True, slots=True)
class Subgraph:
    name: str
    url: str
    sdl: str


@dataclass(frozen=True, slots=True)
class Composition:
    """The result of a composer for some subgraphs.

    Attributes:
        errors: code (Cosmo's have none) and message of each.
        hints: hints and warnings.
        supergraph: SDL for routers; empty where there are errors.
        mutations: names of the supergraph's mutations.
    """

    errors: tuple[tuple[str, str], ...]
    hints: tuple[str, ...]
    supergraph: str
    mutations: tuple[str, ...]


def ours(url: str = "http://wethod.example/graphql") -> Subgraph:
    return Subgraph("wethod", url, subgraph_sdl())


def neighbour(name: str, url: str = "") -> Subgraph:
    sdl = (FOLDER / "neighbours" / f"{name}.graphql").read_text(encoding="utf-8")
    return Subgraph(name, url or f"http://{name}.example/graphql", sdl)


def compose(cases: Mapping[str, Sequence[Subgraph]]) -> dict[tuple[str, str], Composition]:
    """Compose each case with each composer: a result for each (case, composer)."""
    given = {case: [asdict(subgraph) for subgraph in subgraphs] for case, subgraphs in cases.items()}
    done = subprocess.run(
        ["node", "compose.mjs"],
        cwd=FOLDER,
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = msgspec.json.decode(done.stdout, type=dict[str, dict[str, Composition]])
    return {(case, composer): found for case, by_composer in results.items() for composer, found in by_composer.items()}
