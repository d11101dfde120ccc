"""`docker-compose.yml` says the same as the code: settings, versions, broker properties, secrets, addresses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.keystore.secret_files import KEK_VARIABLE
from infra.local import kafka
from infra.local.bundles import load_bundle
from infra.ready import READY_FILE
from infra.settings import PREFIX, Settings

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "infra" / "deploy" / "docker" / ".env.example"
DOCKERFILE = ROOT / "infra" / "deploy" / "docker" / "Dockerfile"
REQUIRED = {"POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", KEK_VARIABLE}
LOCAL_ONLY = {"node.id", "listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
OURS = {"topics", "coordinator", "read-models", "api", "device-0", "device-1"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return loaded


def environment(service: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
    """A service's variables with `${NAME}`, `${NAME:-default}` and `${NAME:?message}` filled in."""

    def fill(found: re.Match[str]) -> str:
        return values.get(found[1]) or (found[3] if found[2] == "-" else "")

    declared = service.get("environment") or {}
    return {name: re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", fill, str(value)) for name, value in declared.items()}


def example() -> dict[str, str]:
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_variable_is_a_setting_and_has_a_valid_value(services: dict[str, dict[str, Any]]) -> None:
    known = {PREFIX + field.upper() for field in Settings.__struct_fields__} | {KEK_VARIABLE, READY_FILE}
    for name in OURS:
        variables = environment(services[name], example())
        assert {variable for variable in variables if variable.startswith(PREFIX)} <= known, name
        settings = Settings.from_env(variables)
        assert settings.kafka == "kafka:9092"
        assert (settings.object_store == "s3://storyreel") == (name in {"api", "coordinator", "device-0", "device-1"})
        assert "@postgres:5432/" in settings.database_url or name not in {"api", "read-models"}


def test_images_are_the_versions_of_the_pinned_jars(services: dict[str, dict[str, Any]]) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{load_bundle('kafka').version}"
    assert services["registry"]["image"] == f"apicurio/apicurio-registry:{load_bundle('registry').version}"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {services[name]["image"] for name in OURS} == {f"storyreel:{version}"}
    assert not [name for name, service in services.items() if service["image"].endswith(":latest")]


def test_the_broker_has_the_properties_of_the_local_one(services: dict[str, dict[str, Any]]) -> None:
    variables = environment(services["kafka"], {})
    local = dict(line.split("=", 1) for line in kafka._PROPERTIES.splitlines())
    shared = {"KAFKA_" + key.upper().replace(".", "_"): (key, value) for key, value in local.items()}
    compared = {name: (shared[name], variables[name]) for name in shared.keys() & variables.keys()}
    differing = {
        key
        for (key, value), found in compared.values()
        if found != value and key not in LOCAL_ONLY | {"process.roles", "listener.security.protocol.map"}
    }
    assert differing == set()
    assert {"auto.create.topics.enable", "message.max.bytes", "transaction.max.timeout.ms"} <= {
        key for (key, _), _ in compared.values()
    }


def test_secrets_have_no_default_and_the_example_names_each(services: dict[str, dict[str, Any]]) -> None:
    text = FILE.read_text()
    assert set(re.findall(r"\$\{(\w+):\?", text)) == REQUIRED
    assert not [name for name in REQUIRED if re.search(rf"\$\{{{name}(:-|-|\}})", text)]
    assert set(re.findall(r"\$\{(\w+)", text)) == example().keys()
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")


def test_only_the_loopback_address_is_published(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_process_waits_for_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for needed, rule in service.get("depends_on", {}).items():
            healthy = "test" in services[needed].get("healthcheck", {})
            expected = "service_healthy" if healthy else "service_completed_successfully"
            assert rule["condition"] == expected, (name, needed)
    assert "topics" in services["registry"]["depends_on"]  # before the registry makes its own with 7 days


def test_the_keystore_is_shared_by_those_who_open_it(services: dict[str, dict[str, Any]]) -> None:
    mount = "keystore:/var/lib/storyreel/secrets"
    holders = {name for name, service in services.items() if mount in service.get("volumes", [])}
    assert holders == {"read-models", "api", "device-0", "device-1"}
    assert holders == {name for name, s in services.items() if KEK_VARIABLE in (s.get("environment") or {})}
    assert "STORYREEL_DATA_DIR=/var/lib/storyreel" in DOCKERFILE.read_text()


def test_the_image_runs_as_an_ordinary_user_with_checked_packages_only() -> None:
    stages = DOCKERFILE.read_text().split("\nFROM ")[1:]
    assert "--require-hashes -r requirements.lock" in stages[0]
    assert "\nUSER storyreel\n" in stages[-1]
    assert "requirements-dev" not in DOCKERFILE.read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(packages["packages"]) <= sources
    allowed = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().split()
    assert {f"!{source}" for source in sources} <= set(allowed)


def compose(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", "--file", str(FILE), *arguments]
    clean = {name: value for name, value in os.environ.items() if name not in REQUIRED}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean | more)


def has_compose() -> bool:
    return shutil.which("docker") is not None and compose("version").returncode == 0


@pytest.mark.skipif(not has_compose(), reason="the docker client has no compose plugin")
def test_compose_accepts_the_example_and_insists_on_secrets() -> None:
    checked = compose("--env-file", str(EXAMPLE), "config", "--quiet")
    assert checked.returncode == 0, checked.stderr
    refused = compose("--env-file", os.devnull, "config", "--quiet")
    assert refused.returncode != 0
    assert "required variable" in refused.stderr
