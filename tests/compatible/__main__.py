"""`make compatible`: the last release's server and today's run side by side on one database while it is replaced."""

import shutil
import sys
import tempfile
from pathlib import Path

import httpx

from db.embedded.postmaster import run_embedded
from tests.compatible.purchase import purchase
from tests.compatible.release import NoHistoryError, Version, find_current, read_commit, unpack_release
from tests.failover.programme import make_sessions
from tests.failover.programs import FaultError

COMMAND = "matinee migrate"


def main() -> int:
    """Return 0 where the two versions work together, 1 where they do not, 2 where the last release cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="matinee-compatible-"))
    # PostgreSQL does not run as root, and has to reach its folder.
    folder.chmod(0o755)
    try:
        commit = read_commit()
        print(f"the last release is {commit[:12]}")
        released = unpack_release(commit, folder / "released")
        with run_embedded(folder / "data") as url:
            replace_servers(released, find_current(), url=url, folder=folder)
    except NoHistoryError as error:
        print(f"NOT CHECKED: {error}")
        return 2
    except FaultError as error:
        print(f"FAILED: {error}")
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("passed: the last release and this version run side by side")
    return 0


def replace_servers(released: Version, current: Version, *, url: str, folder: Path) -> None:
    """Replace the released version by the current one, as docs/deploy.md says; raise FaultError where a step fails."""
    released.migrate(url=url, folder=folder)
    session = make_sessions(url)[0]
    if COMMAND not in current.refuse_to_serve(url=url, folder=folder):
        raise FaultError(f"the refusal of a schema that is behind does not name `{COMMAND}`")
    print("ok: the new server refuses the old schema, and names the command")
    with released.serve(url=url, folder=folder, name="before") as old:
        purchase(old, session=session)
        current.migrate(url=url, folder=folder)
        # On the same connections, whose statements were prepared before.
        purchase(old, session=session)
        require_ready(old)
        print("ok: the old server goes on while the schema is migrated")
        with current.serve(url=url, folder=folder, name="beside") as new:
            purchase(old, new, session=session)
            purchase(new, old, session=session)
            require_ready(new)
        print("ok: purchases that are spread over old and new servers")
    with released.serve(url=url, folder=folder, name="again") as old:
        purchase(old, session=session)
    print("ok: the old server starts on the new schema")


def require_ready(address: str) -> None:
    """Raise FaultError where the server says that it cannot serve."""
    answer = httpx.get(f"{address}/readyz", timeout=5)
    if not answer.is_success:
        raise FaultError(f"{address}/readyz was answered {answer.status_code}: {answer.text}")


if __name__ == "__main__":
    sys.exit(main())
