"""The command that renders the chart with Helm's library, and checks it and the compose file, in the tools' Python.

Standard input: {"chart": path, "cases": {name: values}, "compose": text}; standard output: {"cases": {name: {"error",
"manifests", "invalid"}}, "lint": [message], "kubernetes": [version], "compose": error}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import compose_spec  # type: ignore[import-not-found]
import kubernetes_validate  # type: ignore[import-not-found]
import yaml
from helm_python import HelmError  # type: ignore[import-not-found]
from helm_python.chart import Chart, lint  # type: ignore[import-not-found]

OLDEST = (1, 27)


def versions() -> list[str]:
    """The versions of Kubernetes whose schemas are there, from the oldest that the chart is for."""
    found = kubernetes_validate.utils.all_versions()
    return [version for version in dict.fromkeys(found) if tuple(map(int, version.split(".")[:2])) >= OLDEST]


def render(chart: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The manifests for Kubernetes, and the verdict of its schemas."""
    try:
        files = chart.render(values, name="release", namespace="somewhere")
    except HelmError as error:
        return {"error": str(error), "manifests": [], "invalid": []}
    manifests = [part for text in files.values() for part in yaml.safe_load_all(text) if part]
    invalid = []
    for manifest in manifests:
        for version in versions():
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except Exception as error:  # noqa: BLE001 - the test compares the error
                invalid.append(f"{manifest['kind']} in {version}: {error}")
    return {"error": None, "manifests": manifests, "invalid": invalid}


def main() -> None:
    asked = json.load(sys.stdin)
    report = lint(asked["chart"], strict=True)
    with Chart.load(asked["chart"]) as chart:
        cases = {name: render(chart, values) for name, values in asked["cases"].items()}
    try:
        compose_spec.PyCompose.from_yaml(asked["compose"]).to_spec()
        compose = None
    except Exception as error:  # noqa: BLE001 - the error is the result
        compose = str(error)
    answer = {
        "cases": cases,
        "lint": [f"{message['path']}: {message['error']}" for message in report["messages"]] + report["errors"],
        "kubernetes": versions(),
        "compose": compose,
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
