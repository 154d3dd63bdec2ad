"""Programs of the topology: started with a log of their own, as an unprivileged account where they refuse root."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ACCOUNT: Final = "postgres"
UNPRIVILEGED: Final = ("setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", "--")
POLL_SECONDS: Final = 0.05


class FaultError(Exception):
    """The topology did not get into the state that a scenario needs."""


@dataclass(frozen=True)
class Program:
    """A running program and the file of its output."""

    process: "subprocess.Popen[bytes]"
    log: Path


@contextmanager
def running(
    name: str,
    *command: str | Path,
    folder: Path,
    unprivileged: bool = False,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """Yield a started program with these variables in its environment; end it afterwards."""
    inside = ("ip", "netns", "exec", namespace) if namespace else ()
    whole = [*inside, *(UNPRIVILEGED if unprivileged else ()), *map(str, command)]
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - no input of others
            whole,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **(environment or {})},
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield Program(process, log)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]", *, seconds: float = 10) -> None:
    """End a program: by SIGTERM, and by SIGKILL where that takes too long."""
    # One that is frozen would not see the signal.
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def make_folder(path: Path) -> Path:
    """Return a new private folder of the unprivileged account."""
    path.mkdir(mode=0o700)
    account = pwd.getpwnam(ACCOUNT)
    os.chown(path, account.pw_uid, account.pw_gid)
    return path


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """Return after how many seconds the condition held; raise FaultError where it does not in time."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > seconds:
            raise FaultError(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - started
