"""What the fault suite needs from the machine: Debian's programs, root, and namespaces of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# A file or program that shows that the package is there, and the package.
PACKAGES: Final = {
    "/usr/bin/patroni": "patroni",
    "/usr/lib/python3/dist-packages/etcd": "python3-etcd",
    "/usr/bin/etcd": "etcd-server",
    "/usr/sbin/haproxy": "haproxy",
    "/usr/sbin/pgbouncer": "pgbouncer",
    "/usr/lib/postgresql": "postgresql",
    "/usr/bin/faketime": "faketime",
    "/usr/sbin/ip": "iproute2",
    "/usr/bin/unshare": "util-linux",
}
# apt asks this program whether a package's service may start; 101 means no.
POLICY: Final = Path("/usr/sbin/policy-rc.d")
REFUSE_SERVICES: Final = "#!/bin/sh\nexit 101\n"
# Another process may be installing something.
APT: Final = ("apt-get", "--quiet", "--quiet", "-o", "DPkg::Lock::Timeout=300")


def install_missing() -> str | None:
    """Return why the suite cannot run here, after installing what can be installed; None where it can run."""
    if os.uname().sysname != "Linux":
        return "the fault suite needs Linux: network namespaces and Debian's packages"
    if os.geteuid() != 0:
        return "the fault suite needs root, for network namespaces and for PostgreSQL under an account of its own"
    missing = find_missing()
    if missing and shutil.which("apt-get"):
        install(missing)
        missing = find_missing()
    if missing:
        return f"these Debian packages are missing and could not be installed: {' '.join(missing)}"
    return find_obstacle()


def find_missing() -> list[str]:
    """Return the packages that are not installed."""
    return [package for path, package in PACKAGES.items() if not Path(path).exists()]


def install(packages: list[str]) -> None:
    """Install packages by apt-get, and start none of their services."""
    print(f"Installing {' '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with without_services():
        for arguments in (("update",), ("--no-install-recommends", "--yes", "install", *packages)):
            done = subprocess.run([*APT, *arguments], env=environment, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
            if done.returncode:
                return


@contextmanager
def without_services() -> Iterator[None]:
    """Keep apt from starting services, unless the machine has a policy of its own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(REFUSE_SERVICES)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def find_obstacle() -> str | None:
    """Return what keeps this machine from making namespaces, None where nothing does."""
    tried = "ip link add probe type bridge && ip link add one type veth peer name two"
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", tried]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        return f"no network namespaces can be made here: {' '.join(done.stderr.split())}"
    return None
