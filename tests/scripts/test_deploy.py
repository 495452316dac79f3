"""What is deployed keeps to the rules of a careful operator, as far as a machine without an engine can tell."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from proxy.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def manifests() -> dict[str, Any]:
    said = (ROOT / "deploy/kubernetes/maestro.yaml").read_text("utf-8")
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(said)}


def test_pods_have_no_rights_and_write_only_where_told(manifests: dict[str, Any]) -> None:
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_pods_are_watched_and_drained(manifests: dict[str, Any]) -> None:
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    settings = settings_of(manifests)
    assert pod["terminationGracePeriodSeconds"] > settings.server.drain_seconds + 5
    assert manifests["PodDisruptionBudget"]["spec"]["minAvailable"] >= 1


def test_the_settings_that_are_shipped_are_settings(manifests: dict[str, Any]) -> None:
    assert settings_of(manifests).ledger.url_env == "LEDGER_URL"


def settings_of(manifests: dict[str, Any]) -> Settings:
    return Settings(**tomllib.loads(manifests["ConfigMap"]["data"]["maestro.toml"]))


def test_compose_keeps_secrets_in_files_and_publishes_on_loopback_only() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert services["maestro"]["read_only"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert not any("PASSWORD" in name and not name.endswith("_FILE") for name in service.get("environment", ()))


def test_compose_keeps_to_the_schema_of_compose() -> None:
    """The schema comes with check-jsonschema (extra `supply`)."""
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas")
    said = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    schema = schemas.get_builtin_schema("vendor.compose-spec")
    jsonschema_rs.validate(schema, said)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, {**said, "servces": {}})


def test_manifests_keep_to_the_schemas_of_kubernetes() -> None:
    """They come with kubernetes-validate (extra `supply`)."""
    kubernetes = pytest.importorskip("kubernetes_validate")
    said = (ROOT / "deploy/kubernetes/maestro.yaml").read_text("utf-8")
    for manifest in yaml.safe_load_all(said):
        kubernetes.validate(manifest, "1.30", strict=True)
