"""The access log has a whole line for each request, however the server ends; its lines are joined before they are written."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.servers import ROOT

NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/nothing"
CALLERS: Final = 4
# Far more than one piece holds.
REQUESTS_OF_CALLER: Final = 75
# In the process that it starts, no line is written because of its age: what the end does not write is lost.
SERVE: Final = """
from cli.main import main
from runtime import logs

logs.FLUSH_SECONDS = 3600
"""
# Its event loop breaks once all requests are answered.
BREAK: Final = f"""
from runtime.server import Server

async def break_loop(server, counter):
    if server.server_state.total_requests >= {CALLERS * REQUESTS_OF_CALLER}:
        raise OSError("the event loop is broken")
    return False

Server.on_tick = break_loop
"""


@contextmanager
def start(folder: Path, code: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield a server without a database, whose log is a file in the folder; SIGKILL ends it where the test does not."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("MATINEE_", "DATABASE_"))}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - no input of others
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            env=ours | {"MATINEE_DATA_DIR": str(folder), "DATABASE_URL": NOWHERE},
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def ask_often(process: "subprocess.Popen[bytes]") -> list[str]:
    """Return the ids of requests that were answered, by callers that ask at once."""
    assert process.stdout is not None
    address = process.stdout.readline().decode().split()[1].rstrip("/")

    def ask(caller: int) -> list[str]:
        names = [f"c{caller}-{number}" for number in range(REQUESTS_OF_CALLER)]
        with httpx.Client(base_url=address, timeout=30) as client:
            answers = [client.get("/livez", headers={"X-Request-Id": name}) for name in names]
        return [answer.headers["x-request-id"] for answer in answers]

    with ThreadPoolExecutor(CALLERS) as callers:
        return [name for found in callers.map(ask, range(CALLERS)) for name in found]


def read_requests(folder: Path) -> Counter[str]:
    """Return how often each request is in the log, of which every line is JSON."""
    lines = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    return Counter(line["request_id"] for line in lines if line["event"] == "request")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_log_has_every_request_after_signal(tmp_path: Path, workers: int, number: signal.Signals) -> None:
    with start(tmp_path, SERVE + "main()", "serve", "--port", "0", "--workers", str(workers)) as process:
        asked = ask_often(process)
        process.send_signal(number)
        assert process.wait(30) == 0
    assert read_requests(tmp_path) == Counter(asked)


def test_log_has_every_request_after_event_loop_broke(tmp_path: Path) -> None:
    with start(tmp_path, SERVE + BREAK + "main()", "serve", "--port", "0") as process:
        asked = ask_often(process)
        assert process.wait(30) != 0
    lines = (tmp_path / "log").read_text().splitlines()
    found = Counter(json.loads(line)["request_id"] for line in lines if '"event":"request"' in line)
    assert found == Counter(asked)
