"""The server is what /openapi.json says: schemathesis, with all of its checks, as a signed-in user and at the counter."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.cli.test_main import Server

HERE: Final = Path(__file__).parent
CONFIGURATION: Final = HERE / "schemathesis.toml"
# `make fuzz` asks for more; with these it takes about a minute.
EXAMPLES: Final = os.environ.get("FUZZ_EXAMPLES", "3")


@pytest.mark.timeout(3600)
def test_no_check_of_schemathesis_fails(stage: tuple[Server, dict[str, str]], tmp_path: Path) -> None:
    server, known = stage
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIGURATION)),
        *("run", f"{server.address}/openapi.json", "--url", server.address, "--checks", "all"),
        *("--header", f"Authorization: Bearer {known['mallory.token']}"),
        *("--header", f"X-Auth-Token: {known['counter']}"),
        # The same requests each time: what fails does so for everybody.
        *("--generation-deterministic", "--max-examples", EXAMPLES),
        *("--continue-on-failure", "--no-color"),
    ]
    hooked = {**os.environ, "PYTHONPATH": str(HERE.parent / "support"), "SCHEMATHESIS_HOOKS": "fresh_keys"}
    ran = subprocess.run(command, cwd=tmp_path, env=hooked, capture_output=True, text=True, check=False)  # noqa: S603
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert "Tested: 46" in ran.stdout
