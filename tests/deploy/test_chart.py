"""The chart as Helm renders it is valid by Kubernetes' schemas, and has every entry that the gateway needs."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import yaml

from app.main import WorkerContext, create_app
from app.server.config import EXIT_SECONDS, GRACE_SECONDS, SHUTDOWN_SECONDS
from app.server.lifecycle import Lifecycle
from app.settings import Settings, load
from schema.root import OPERATIONS, build_schema
from tests.deploy.tools import ROOT, judge

CHART = ROOT / "deploy" / "helm" / "wethod-graphql"
COMPOSE = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
FIXED = {
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "GATEWAY_METRICS_PORT",
    "WETHOD_TIMEOUT_SECONDS",
    "GATEWAY_DRAIN_DELAY_SECONDS",
    "GATEWAY_DRAIN_SECONDS",
}
SECRET = {"name": "a-secret", "key": "a-key"}

GOOD: dict[str, dict[str, Any]] = {
    "default": {},
    "plain": {
        "autoscaling": {"enabled": False},
        "replicas": 3,
        "podDisruptionBudget": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "everything": {
        "image": {"repository": "registry.example/gateway", "digest": f"sha256:{'0' * 64}", "pullPolicy": "Always"},
        "imagePullSecrets": [{"name": "pull"}],
        "settings": {
            "WETHOD_COMPANY": "acme",
            "GATEWAY_MAX_BODY_BYTES": 1_048_576,
            "GATEWAY_MAX_IN_FLIGHT": 1_000_000,
            "GATEWAY_READ_TIMEOUT_SECONDS": 2.5,
            "GATEWAY_KEEP_ALIVE_SECONDS": 610,
            "GATEWAY_INTROSPECTION": True,
            "GATEWAY_AUTHORIZATION_HEADER": 'Wethod-"Authorization"',
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        },
        "secretSettings": {"WETHOD_PROXY": SECRET, "OTEL_EXPORTER_OTLP_HEADERS": SECRET},
        "secretFiles": {
            "GATEWAY_AUDIT_KEY_FILE": {"name": "2024", "key": "1"},
            "WETHOD_CLIENT_CERT_FILE": {"name": "client", "key": "tls.crt"},
        },
        "timeoutSeconds": 20,
        "drainDelaySeconds": 7.5,
        "drainSeconds": 21.5,
        "metricsPort": 9999,
        "service": {"type": "NodePort", "port": 8080},
        "networkPolicy": {
            "from": [{"podSelector": {"matchLabels": {"app": "router"}}}],
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "egressPorts": [443, 4318],
        },
        "podAnnotations": {"example.com/a": "b"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    },
}

# id: (values, what the refusal says)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "drain-shorter-than-a-delete": ({"drainSeconds": 10.9}, "drainSeconds must be at least timeoutSeconds + 1"),
    "misspelt-setting": ({"settings": {"WETHOD_COMPANI": "acme"}}, "WETHOD_COMPANI"),
    "setting-that-the-chart-decides": ({"settings": {"GATEWAY_PORT": 80}}, "GATEWAY_PORT"),
    "setting-that-is-no-value": ({"settings": {"WETHOD_COMPANY": {"a": "b"}}}, "WETHOD_COMPANY"),
    "secret-in-the-clear": ({"secretSettings": {"WETHOD_PROXY": "http://u:p@proxy"}}, "WETHOD_PROXY"),
    "secret-without-a-key": ({"secretFiles": {"GATEWAY_AUDIT_KEY_FILE": {"name": "a"}}}, "key"),
    "file-of-a-setting-that-names-none": ({"secretFiles": {"WETHOD_COMPANY": SECRET}}, "WETHOD_COMPANY"),
    "misspelt-value": ({"autoscalling": {}}, "autoscalling"),
    "metrics-on-the-port-of-requests": ({"metricsPort": 8000}, "metricsPort"),
    "two-ports-of-the-service-that-are-equal": (
        {"service": {"port": 9464}},
        "service.port and metricsPort must differ",
    ),
    **{
        f"one-setting-in-{first}-and-{second}": (
            {first: {"GATEWAY_AUDIT_KEY_FILE": value}, second: {"GATEWAY_AUDIT_KEY_FILE": SECRET}},
            "GATEWAY_AUDIT_KEY_FILE must be in only one of settings, secretSettings and secretFiles",
        )
        for first, value, second in (
            ("settings", "/key", "secretSettings"),
            ("settings", "/key", "secretFiles"),
            ("secretSettings", SECRET, "secretFiles"),
        )
    },
}


@pytest.fixture(scope="module")
def judged() -> dict[str, Any]:
    """The verdicts of Helm, the schemas and the compose specification."""
    return judge(CHART, {**GOOD, **{name: values for name, (values, _) in BAD.items()}}, COMPOSE)


@pytest.fixture(scope="module", params=GOOD)
def rendered(request: pytest.FixtureRequest, judged: dict[str, Any]) -> dict[str, Any]:
    """Each manifest of a case by its kind, and the case's values under ``values``."""
    case = judged["cases"][request.param]
    assert case["error"] is None
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    values = {
        name: {**value, **GOOD[request.param].get(name, {})}
        if isinstance(value, dict)
        else GOOD[request.param].get(name, value)
        for name, value in defaults.items()
    }
    found = {manifest["kind"]: manifest for manifest in case["manifests"]}
    assert len(found) == len(case["manifests"])
    return {**found, "values": values}


def pod(rendered: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = rendered["Deployment"]["spec"]["template"]["spec"]
    return found


def container(rendered: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod(rendered)["containers"]
    return dict(found)


def environment(rendered: dict[str, Any]) -> dict[str, Any]:
    """Its variables: a text, or the source of a secret."""
    entries = container(rendered)["env"]
    assert len({entry["name"] for entry in entries}) == len(entries)
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in entries}


def test_the_strict_linter_of_helm_passes(judged: dict[str, Any]) -> None:
    assert judged["lint"] == ["Chart.yaml: icon is recommended"]


@pytest.mark.parametrize("case", GOOD)
def test_the_manifests_are_valid_for_kubernetes(judged: dict[str, Any], case: str) -> None:
    """By the strict schemas of all versions from 1.27 on."""
    assert len(judged["kubernetes"]) > 5
    assert judged["cases"][case]["invalid"] == []


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_refused(judged: dict[str, Any], case: str) -> None:
    assert BAD[case][1] in judged["cases"][case]["error"]


def test_the_compose_file_is_valid(judged: dict[str, Any]) -> None:
    assert judged["compose"] is None


def test_the_schema_of_the_values_knows_every_setting() -> None:
    """It has no other setting, and none that the chart sets itself."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    known, other = schema["definitions"]["name"]["anyOf"]
    assert set(known["enum"]) == {name.upper() for name in Settings.model_fields} - FIXED
    assert other == {"pattern": "^OTEL_[A-Z_]+$"}
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert schema["properties"].keys() - {"global"} == values.keys()


def test_the_gateway_accepts_the_rendered_settings(rendered: dict[str, Any]) -> None:
    """Helm must not render an integer as a float."""
    given = environment(rendered)
    plain = {name: value for name, value in given.items() if isinstance(value, str)}
    for name, value in rendered["values"]["settings"].items():
        assert plain[name] == (value if isinstance(value, str) else json.dumps(value))
    variables = {name.lower(): value for name, value in plain.items() if not name.startswith("OTEL_")}
    # The files do not exist here, and a header has no quotation mark.
    for name in [name for name in variables if name.endswith("_file")]:
        del variables[name]
    variables["gateway_authorization_header"] = "Authorization"
    settings = Settings.model_validate(variables)
    assert settings.gateway_drain_seconds == rendered["values"]["drainSeconds"]
    assert plain.keys() >= FIXED


def test_a_pod_has_time_to_drain(rendered: dict[str, Any]) -> None:
    given = environment(rendered)
    drain = float(given["GATEWAY_DRAIN_DELAY_SECONDS"]) + float(given["GATEWAY_DRAIN_SECONDS"])
    assert float(given["GATEWAY_DRAIN_SECONDS"]) >= float(given["WETHOD_TIMEOUT_SECONDS"]) + 1
    assert pod(rendered)["terminationGracePeriodSeconds"] > drain + GRACE_SECONDS + SHUTDOWN_SECONDS + EXIT_SECONDS + 1
    assert rendered["Deployment"]["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_probes_use_the_health_routes(rendered: dict[str, Any]) -> None:
    """A pod that drains must be found not ready before its delay ends."""
    spec = container(rendered)
    assert {port["name"]: port["containerPort"] for port in spec["ports"]} == {
        "http": int(environment(rendered)["GATEWAY_PORT"]),
        "metrics": int(environment(rendered)["GATEWAY_METRICS_PORT"]),
    }
    paths = {probe: spec[probe]["httpGet"] for probe in ("readinessProbe", "livenessProbe", "startupProbe")}
    assert paths == {
        "readinessProbe": {"path": "/health/ready", "port": "http"},
        "livenessProbe": {"path": "/health/live", "port": "http"},
        "startupProbe": {"path": "/health/live", "port": "http"},
    }
    context = WorkerContext(settings=load({"GATEWAY_AUDIT_LOG": "off"}), audit_key=b"a key for tests")
    app = create_app(context, Lifecycle(), build_schema(), OPERATIONS)
    assert {probe["path"] for probe in paths.values()} <= {getattr(route, "path", None) for route in app.routes}
    # A pod that drains is found not ready, and taken out, while it still serves.
    noticed = spec["readinessProbe"]["periodSeconds"] * spec["readinessProbe"]["failureThreshold"]
    assert noticed < float(environment(rendered)["GATEWAY_DRAIN_DELAY_SECONDS"])


def test_a_pod_has_no_privileges(rendered: dict[str, Any]) -> None:
    spec = pod(rendered)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert container(rendered)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = container(rendered)["resources"]
    assert resources["limits"].keys() == {"memory"}
    assert resources["requests"].keys() == {"cpu", "memory"}


def test_secrets_are_references(rendered: dict[str, Any]) -> None:
    """As a variable, or as a read-only file at the path that the setting names."""
    given, values = environment(rendered), rendered["values"]
    for name, secret in values["secretSettings"].items():
        assert given[name] == {"secretKeyRef": secret}
    mounts = container(rendered).get("volumeMounts", [])
    assert all(mount["readOnly"] for mount in mounts)
    volumes = {volume["name"]: volume for volume in pod(rendered).get("volumes", [])}
    assert bool(mounts) == bool(volumes) == bool(values["secretFiles"])
    files = {
        f"{mount['mountPath']}/{item['path']}": (source["secret"]["name"], item["key"])
        for mount in mounts
        for source in volumes[mount["name"]]["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    assert files == {given[name]: (secret["name"], secret["key"]) for name, secret in values["secretFiles"].items()}


def test_every_selector_matches_the_pods_of_this_release(rendered: dict[str, Any]) -> None:
    labels = rendered["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/name": "wethod-graphql", "app.kubernetes.io/instance": "release"}
    assert rendered["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert rendered["Service"]["spec"]["selector"] == labels
    assert {port["targetPort"] for port in rendered["Service"]["spec"]["ports"]} == {"http", "metrics"}
    (spread,) = pod(rendered)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == labels
    if "PodDisruptionBudget" in rendered:
        assert rendered["PodDisruptionBudget"]["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    if "NetworkPolicy" in rendered:
        assert rendered["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    name = rendered["Deployment"]["metadata"]["name"]
    if "HorizontalPodAutoscaler" in rendered:
        target = rendered["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
        assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}


def test_either_the_autoscaler_or_the_number_of_replicas_is_set(rendered: dict[str, Any]) -> None:
    enabled = rendered["values"]["autoscaling"]["enabled"]
    assert ("replicas" in rendered["Deployment"]["spec"]) is not enabled
    if enabled:
        spec = rendered["HorizontalPodAutoscaler"]["spec"]
        assert 2 <= spec["minReplicas"] <= spec["maxReplicas"]
        (metric,) = spec["metrics"]
        assert metric["resource"]["name"] == "cpu"
        # One loop uses at most a core, so the share is of what is requested: the request must not exceed a core.
        request = container(rendered)["resources"]["requests"]["cpu"]
        assert math.isclose(int(request.removesuffix("m")) / 1000, 0.25)
    else:
        assert rendered["Deployment"]["spec"]["replicas"] == rendered["values"]["replicas"]


def test_the_network_policy_allows_only_the_named_traffic(rendered: dict[str, Any]) -> None:
    """In: requests and metrics. Out: DNS and Wethod."""
    if not rendered["values"]["networkPolicy"]["enabled"]:
        assert "NetworkPolicy" not in rendered
        return
    spec, values = rendered["NetworkPolicy"]["spec"], rendered["values"]["networkPolicy"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    requests, metrics = spec["ingress"]
    assert requests == {"ports": [{"port": "http"}], **({"from": values["from"]} if values["from"] else {})}
    assert metrics == {
        "ports": [{"port": "metrics"}],
        **({"from": values["metricsFrom"]} if values["metricsFrom"] else {}),
    }
    names, wethod = spec["egress"]
    assert {(port["port"], port["protocol"]) for port in names["ports"]} == {(53, "UDP"), (53, "TCP")}
    assert [port["port"] for port in wethod["ports"]] == values["egressPorts"]
