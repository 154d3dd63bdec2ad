"""The image has what the server runs, and compose.yaml gives each container what it needs and no privilege."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from config.settings import Settings
from tests.support.factories import SECRET

ROOT: Final = Path(__file__).parents[1]
SERVICES: Final[dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
OF_MATINEE: Final = ("migrate", "server-1", "server-2", "worker")
GIVEN: Final = {"MATINEE_SECRET": SECRET, "MATINEE_COUNTER_TOKEN": SECRET, "POSTGRES_PASSWORD": "secret"}
HAPROXY: Final = shutil.which("haproxy", path="/usr/sbin:/usr/bin")


def test_image_gets_every_package_and_what_its_build_needs() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert {name.removesuffix("*") for name in packages} <= taken
    assert {"Makefile", "*.lock", "*.py", "pyproject.toml", "package-lock.json", ".npmrc"} <= taken


def test_composition_has_the_topology_of_the_fault_suite() -> None:
    assert set(SERVICES) == {"etcd", "postgres-1", "postgres-2", "haproxy", *OF_MATINEE}


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_read_only_and_without_privileges(name: str) -> None:
    service = SERVICES[name]

    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])  # noqa: S108
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service


@pytest.mark.parametrize("name", OF_MATINEE)
def test_settings_of_container_are_valid(name: str) -> None:
    # As compose fills them in: ${NAME}, ${NAME:-default} and ${NAME:?why}.
    environment = {
        key: re.sub(r"\$\{(\w+)(?::-(\w*))?(?::\?[^}]*)?\}", lambda found: GIVEN.get(found[1]) or found[2], value)
        for key, value in SERVICES[name]["environment"].items()
    }
    settings = Settings.from_env(environment)

    assert settings.production
    assert settings.database_url == "postgresql://matinee:secret@haproxy:5000/matinee"
    assert settings.database_read_url == "postgresql://matinee:secret@haproxy:5001/matinee"


def test_patroni_keeps_what_was_acknowledged() -> None:
    patroni = yaml.safe_load((ROOT / "ops/patroni.yaml").read_text())

    assert patroni["bootstrap"]["dcs"]["synchronous_mode"] is True
    assert "etcd" in patroni
    assert "etcd3" not in patroni


@pytest.mark.skipif(HAPROXY is None, reason="Debian's package haproxy is not installed")
def test_haproxy_accepts_its_configuration() -> None:
    assert HAPROXY is not None
    done = subprocess.run(  # noqa: S603 - no input of others
        [HAPROXY, "-c", "-f", ROOT / "ops/haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
