"""The image has what the server runs, and compose.yaml gives each container what it needs and no privilege."""

import re
import shutil
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from config.settings import Settings
from tests.support.factories import SECRET

ROOT: Final = Path(__file__).parents[1]
SERVICES: Final[dict[str, dict[str, Any]]] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
OF_MATINEE: Final = ("migrate", "server-1", "server-2", "worker")
GIVEN: Final = {"MATINEE_SECRET": SECRET, "MATINEE_COUNTER_TOKEN": SECRET, "POSTGRES_PASSWORD": "secret"}
REFUSAL: Final = "in the words of the server"
# HAProxy takes a server out after two failed checks, a second after its start.
WATCH_SECONDS: Final = 4.0
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
    assert patroni["bootstrap"]["dcs"]["postgresql"]["parameters"]["wal_sender_timeout"] == "5s"
    assert "etcd" in patroni
    assert "etcd3" not in patroni


def test_standby_is_copied_at_once() -> None:
    patroni = yaml.safe_load((ROOT / "ops/patroni.yaml").read_text())

    # Otherwise compose gives up: its healthcheck waits a minute, and a spread checkpoint takes longer.
    assert {"checkpoint": "fast"} in patroni["postgresql"]["basebackup"]


@pytest.mark.skipif(HAPROXY is None, reason="Debian's package haproxy is not installed")
def test_haproxy_accepts_its_configuration() -> None:
    assert HAPROXY is not None
    done = subprocess.run(  # noqa: S603 - no input of others
        [HAPROXY, "-c", "-f", ROOT / "ops/haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class NotReady(BaseHTTPRequestHandler):
    """A server that lives, and refuses everything else in its own words."""

    def do_GET(self) -> None:
        body = REFUSAL.encode()
        self.send_response(200 if self.path == "/livez" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def not_ready() -> Iterator[int]:
    """Yield the port of a server that is not ready."""
    with HTTPServer(("127.0.0.1", 0), NotReady) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def find_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.skipif(HAPROXY is None, reason="Debian's package haproxy is not installed")
def test_haproxy_hands_on_refusals_of_servers_while_none_is_ready(tmp_path: Path) -> None:
    assert HAPROXY is not None
    ports = {name: find_free_port() for name in ("5000", "5001", "8000")}
    text = (ROOT / "ops/haproxy.cfg").read_text()
    for name, port in ports.items():
        text = text.replace(f"bind :{name}", f"bind 127.0.0.1:{port}")
    with not_ready() as server:
        file = tmp_path / "haproxy.cfg"
        file.write_text(re.sub(r"server-[12]:8000", f"127.0.0.1:{server}", text))
        process = subprocess.Popen([HAPROXY, "-db", "-f", file], stderr=subprocess.DEVNULL)  # noqa: S603 - no input of others
        try:
            refusals = gather_refusals(f"http://127.0.0.1:{ports['8000']}/v1/movies")
        finally:
            process.terminate()
            process.wait()
    assert set(refusals) == {REFUSAL}


def gather_refusals(url: str) -> list[str]:
    """Return what an address answers while HAProxy finds out that the servers are not ready, and afterwards."""
    found: list[str] = []
    deadline = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            found.append(httpx.get(url).text)
        time.sleep(0.1)
    return found
