"""A real S3 API for tests: moto's server, in an environment of its own beside ours (`make test` sets it up)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from runtime.server import listen

SERVER: Final = Path(sys.prefix) / "s3" / "bin" / "moto_server"
BUCKET: Final = "exports"
PATIENCE_SECONDS: Final = 30.0


@contextmanager
def s3() -> Iterator[str]:
    """Yield the address of an S3 API with one bucket."""
    if not SERVER.exists():
        pytest.skip("no S3 API is installed; make test installs it")
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    command = [str(SERVER), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            address = f"http://127.0.0.1:{port}"
            _make_bucket(address)
            yield address
        finally:
            process.terminate()


def environment(address: str) -> dict[str, str]:
    """Return the variables that lead a client there."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }


def _make_bucket(address: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            httpx.put(f"{address}/{BUCKET}").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
