"""The supergraph of deploy/compose.yaml; ``python -m tests.federation.supergraph`` writes it."""

from __future__ import annotations

from tests.federation.composition import APOLLO, FOLDER, compose, ours

SUPERGRAPH = FOLDER.parents[1] / "deploy" / "routers" / "supergraph.graphql"


def compose_supergraph() -> str:
    """Compose the supergraph of our subgraph alone."""
    composition = compose({"compose": [ours("http://gateway:8000/graphql")]})["compose", APOLLO]
    assert composition.errors == ()
    return composition.supergraph


if __name__ == "__main__":
    SUPERGRAPH.write_text(compose_supergraph(), encoding="utf-8")
