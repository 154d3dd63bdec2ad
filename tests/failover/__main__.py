"""`make faults`: checks what this machine has, then runs the fault suite in namespaces of its own, within a time limit."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.failover import requirements
from tests.failover.scenarios import SCENARIOS

ROOT: Final = Path(__file__).parents[2]
LIMIT_SECONDS: Final = 2400.0
# Network, mounts and processes of their own: the kernel ends and removes all of it with the first process, and that one
# with this one.
ISOLATED: Final = (
    "setpriv",
    "--pdeathsig=KILL",
    "unshare",
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--mount-proc",
    "--kill-child",
    "--",
)
# The shell collects processes whose parents have ended: Patroni would take a dead postmaster for a running one.
COLLECTING: Final = ("bash", "-c", '"$@"; exit $?', "bash")
ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE")


def main() -> int:
    """Return the exit status: 0 where every fault was survived, or the suite was skipped with a reason."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = parse_arguments()
    missing = requirements.install_missing()
    if missing:
        print(f"SKIPPED: {missing}")
        return 0
    folder = Path(tempfile.mkdtemp(prefix="matinee-faults-"))
    folder.chmod(0o755)
    try:
        return run_isolated(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def parse_arguments() -> list[str]:
    """Return the names of the scenarios to run, all of them by default."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("scenario", nargs="*", help=f"what to run: {', '.join(SCENARIOS)} (default: everything)")
    chosen: list[str] = parser.parse_args().scenario
    unknown = [name for name in chosen if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario is named {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    return chosen or list(SCENARIOS)


def run_isolated(folder: Path, chosen: list[str]) -> int:
    """Return the exit status of the suite, which keeps its files in `folder`; 1 where it takes too long."""
    command = [*ISOLATED, *COLLECTING, sys.executable, "-u", "-m", "tests.failover.suite", str(folder), *chosen]
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    try:
        # Nothing of the caller's MATINEE_ and DATABASE_ variables reaches the servers.
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, timeout=LIMIT_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        print(f"FAILED: the suite did not end within {LIMIT_SECONDS:.0f} seconds")
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
