"""The command loads with the collector of garbage off, and works with it on."""

import subprocess
import sys


def test_garbage_collector_runs_once_modules_are_loaded() -> None:
    script = "import gc; from cli import __main__ as startup; print(gc.isenabled(), startup.main.__module__)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert done.stdout.split() == ["True", "cli.main"]
