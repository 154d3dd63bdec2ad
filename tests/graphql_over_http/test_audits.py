"""All audits of the specification's own suite, the npm package graphql-http, against a whole server on a socket."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from db import migrate
from tests.cli.test_main import Server, serving
from tests.support.own_database import own_database

HERE: Final = Path(__file__).parent
ALL: Final = 61
MODES: Final[Mapping[str, Mapping[str, str]]] = {
    "development": {},
    # Some audits send variables, and `__type` is the one field with an argument that every schema has.
    "production": {"MATINEE_ENV": "production", "MATINEE_COUNTER_OPEN": "true", "MATINEE_INTROSPECTION": "on"},
}


@pytest.fixture(scope="module", params=MODES)
def server(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server in each of the modes."""
    with own_database(database_url) as url:
        migrate.upgrade(url)
        variables = {"DATABASE_URL": url, "MATINEE_SECRET": "a secret that only the audits sign with"}
        with serving(tmp_path_factory.mktemp("audited"), "--no-jobs", **variables, **MODES[request.param]) as running:
            yield running


def audited(address: str) -> list[dict[str, Any]]:
    # Where the machine has no Node.js, `make test` has put one beside our Python.
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if node is None or not (HERE / "node_modules").exists():
        pytest.skip("the audits are not installed; make test installs them")
    command = [node, "audits.mjs", f"{address}/graphql"]
    ran = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_passes_every_graphql_over_http_audit(server: Server) -> None:
    found = audited(server.address)
    assert [audit for audit in found if audit["status"] != "ok"] == []
    assert len({audit["id"] for audit in found}) == ALL
