"""The embedded database on the real thing: processes that come, leave, and are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from db.embedded import cluster, postmaster
from db.embedded.postmaster import EmbeddedError, EmbeddedServer, run_embedded, start, stop
from db.embedded.restart import restart_when_dead

# A process that uses the database until its input ends, or it is killed.
_USER = """
import sys
from pathlib import Path
from db.embedded.postmaster import run_embedded
with run_embedded(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
_ROOT = Path(__file__).parents[3]
_AS_ROOT = os.geteuid() == 0


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    """A data directory before its first start."""
    yield from _folder()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    for folder in _folder():
        stop(start(folder))
        yield folder


@pytest.fixture
def data_dir(template: Path) -> Iterator[Path]:
    """A data directory with a stopped database in it."""
    yield from _folder(template)


@pytest.fixture(scope="module")
def shared(template: Path) -> Iterator[EmbeddedServer]:
    for folder in _folder(template):
        server = start(folder)
        yield server
        stop(server)


def _folder(template: Path | None = None) -> Iterator[Path]:
    # Not tmp_path: root's is private, and its clusters would go to /var/lib/matinee.
    folder = Path(tempfile.mkdtemp(prefix="matinee-test-"))
    folder.chmod(0o755)
    if template is not None:
        subprocess.run(["/bin/cp", "-a", template, folder / "data"], check=True)  # noqa: S603
    yield folder / "data"
    _discard(folder / "data")
    shutil.rmtree(folder)


def _discard(data_dir: Path) -> None:
    cluster = (data_dir / "postgres").resolve()
    if (cluster / "postmaster.pid").exists():
        stop(start(data_dir))
    shutil.rmtree(cluster, ignore_errors=True)


def _user(data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - ourselves, no shell
        [sys.executable, "-c", _USER, str(data_dir)],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _url(user: subprocess.Popen[str]) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def _leave(user: subprocess.Popen[str]) -> None:
    user.communicate(timeout=20)
    assert user.returncode == 0


def _run(url: str, statement: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return str(row[0])


def _postmaster(url: str) -> int:
    folder = _run(url, "SHOW data_directory")
    return int(Path(folder, "postmaster.pid").read_text().splitlines()[0])


def _write(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [word])


def _kept(url: str) -> str:
    return _run(url, "SELECT string_agg(word, ' ' ORDER BY word) FROM kept")


def _is_running(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def _kill(postmaster: int, url: str) -> None:
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _is_running(url) and time.monotonic() < deadline:
        time.sleep(0.01)


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_data_outlive_restart(data_dir: Path) -> None:
    with run_embedded(data_dir) as url:
        _write(url, "once")
    assert not _is_running(url)
    with run_embedded(data_dir) as url:
        assert _kept(url) == "once"


def test_two_processes_share_server_and_last_one_stops_it(data_dir: Path) -> None:
    with run_embedded(data_dir) as url:
        other = _user(data_dir)
        assert _url(other) == url
        _write(url, "shared")
    assert _kept(url) == "shared"
    _leave(other)
    assert not _is_running(url)


def test_leaving_does_not_stop_server_that_another_process_uses(data_dir: Path) -> None:
    with run_embedded(data_dir) as url:
        other = _user(data_dir)
        _url(other)
        _leave(other)
        assert _is_running(url)


def test_server_survives_kill_of_its_user_and_is_used_again(data_dir: Path) -> None:
    user = _user(data_dir)
    url = _url(user)
    _write(url, "kept")
    before = _postmaster(url)
    os.killpg(user.pid, signal.SIGKILL)
    user.communicate()
    with run_embedded(data_dir) as url:
        assert _postmaster(url) == before
        assert _kept(url) == "kept"
    assert not _is_running(url)


def test_start_recovers_while_processes_of_killed_postmaster_run(data_dir: Path) -> None:
    with run_embedded(data_dir) as url:
        _write(url, "committed")
        lingering = psycopg.connect(url)
        backend = lingering.info.backend_pid
        postmaster = _postmaster(url)
        os.kill(backend, signal.SIGSTOP)
        _kill(postmaster, url)
        wake = threading.Timer(1, os.kill, (backend, signal.SIGCONT))
        wake.start()
        with run_embedded(data_dir) as again:
            assert not wake.is_alive()
            assert _postmaster(again) != postmaster
            assert _kept(again) == "committed"
        wake.join()
        lingering.close()


def test_start_ignores_other_process_with_number_of_killed_postmaster(data_dir: Path) -> None:
    with run_embedded(data_dir) as url:
        _write(url, "committed")
        owner = (data_dir / "postgres").stat().st_uid
        postmaster = _postmaster(url)
        _kill(postmaster, url)
    # Of the server's own account: postgres passes over numbers of others by itself.
    account = owner if _AS_ROOT else None
    with subprocess.Popen(["/bin/sleep", "60"], user=account) as impostor:
        folder = data_dir / "postgres"
        for file in (folder / "postmaster.pid", *folder.glob("socket-*/.s.PGSQL.5432.lock")):
            file.write_text(file.read_text().replace(str(postmaster), str(impostor.pid), 1))
        with run_embedded(data_dir) as url:
            assert _kept(url) == "committed"
        assert impostor.poll() is None
        impostor.kill()


def test_concurrent_first_starts_make_one_database(empty_dir: Path) -> None:
    users = [_user(empty_dir), _user(empty_dir)]
    first, second = (_url(user) for user in users)
    assert first == second
    assert _is_running(first)
    for user in users:
        _leave(user)
    assert not _is_running(first)


def test_start_replaces_half_made_database(empty_dir: Path) -> None:
    half = empty_dir / "postgres.new-killed"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with run_embedded(empty_dir) as url:
        assert _is_running(url)
    assert not half.exists()


def test_start_works_below_long_path_with_spaces_and_accents(empty_dir: Path) -> None:
    server = start(empty_dir / "une séance d'été" / ("long" * 30))
    try:
        assert _run(server.url, "SELECT current_database()") == "matinee"
        assert server.cluster.sockets.stat().st_mode & 0o077 == 0
    finally:
        stop(server)
        shutil.rmtree(server.cluster.sockets)


def test_database_folds_case_of_letters_beyond_ascii(shared: EmbeddedServer) -> None:
    assert _run(shared.url, "SELECT lower('ÉLODIE À L''ŒUVRE, ЖИЗНЬ')") == "élodie à l'œuvre, жизнь"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("max_connections", "200"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_database_is_private_and_durable(shared: EmbeddedServer, setting: str, value: str) -> None:
    assert _run(shared.url, f"SHOW {setting}") == value


def test_socket_is_private(shared: EmbeddedServer) -> None:
    assert shared.cluster.sockets.stat().st_mode & 0o077 == 0
    assert shared.cluster.socket.stat().st_mode & 0o077 == 0


def test_start_refuses_data_of_other_major_version_in_one_line(empty_dir: Path) -> None:
    (empty_dir / "postgres").mkdir(parents=True)
    (empty_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match=r"MATINEE_DATA_DIR: .* PostgreSQL 16") as refusal:
        start(empty_dir)
    assert "\n" not in str(refusal.value)


def test_failed_start_reports_path_and_end_of_log(data_dir: Path) -> None:
    stop(start(data_dir))
    with (data_dir / "postgres" / "postgresql.conf").open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting") as failure:
        start(data_dir)
    assert str(data_dir / "postgres" / "postgres.log") in str(failure.value)


def test_start_names_variable_when_folder_cannot_be_created(empty_dir: Path) -> None:
    empty_dir.write_text("a file, not a folder")
    with pytest.raises(EmbeddedError, match="MATINEE_DATA_DIR"):
        start(empty_dir)


def test_start_refuses_link_to_missing_database(empty_dir: Path) -> None:
    empty_dir.mkdir()
    (empty_dir / "postgres").symlink_to("/nowhere/to/be/found")
    with pytest.raises(EmbeddedError, match=r"MATINEE_DATA_DIR: .*gone"):
        start(empty_dir)


@pytest.mark.skipif(not _AS_ROOT, reason="only root runs PostgreSQL as somebody else")
def test_start_as_root_keeps_private_folders_private(empty_dir: Path) -> None:
    empty_dir.mkdir()
    empty_dir.chmod(0o700)
    with run_embedded(empty_dir) as url:
        _write(url, "kept")
    with run_embedded(empty_dir) as url:
        assert _kept(url) == "kept"
    assert empty_dir.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not _AS_ROOT, reason="only root runs PostgreSQL as somebody else")
@pytest.mark.parametrize("umask", [0o077, 0o027])
def test_start_as_root_works_under_strict_umask(empty_dir: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_ROOT_FOLDER", empty_dir.parent / "var")
    before = os.umask(umask)
    try:
        for word in ("first", "second"):
            with run_embedded(empty_dir) as url:
                _write(url, word)
                assert _kept(url).endswith(word)
    finally:
        os.umask(before)


def test_new_cluster_in_folder_of_deleted_one_keeps_its_socket(empty_dir: Path) -> None:
    first = start(empty_dir)
    postmaster = _postmaster(first.url)
    shutil.rmtree(empty_dir)
    with run_embedded(empty_dir) as url:
        # What the first one does by itself within a minute, once it finds its folder gone.
        os.kill(postmaster, signal.SIGQUIT)
        _wait_until(lambda: _is_zombie(postmaster))
        assert _is_running(url)
    os.close(first.users)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGHOST", "192.0.2.1"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGSERVICE", "no_such_service"),
        ("PGOPTIONS", "-c no_such_setting=1"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGSSLMODE", "verify-full"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGTZ", "nowhere"),
    ],
)
def test_start_ignores_libpq_variables_of_environment(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with run_embedded(data_dir) as url:
        assert _run(url, "SELECT current_database()") == "matinee"


def test_interrupted_start_leaves_no_server_running(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []

    def interrupt(_: object) -> None:
        calls.append(None)
        # The first call finds no server, the second one the server that was started then.
        raise psycopg.OperationalError if len(calls) == 1 else KeyboardInterrupt

    monkeypatch.setattr(postmaster, "_ensure_database", interrupt)
    with pytest.raises(KeyboardInterrupt):
        start(data_dir)
    assert len(calls) == 2
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_dead_postmaster_is_restarted(data_dir: Path) -> None:
    with run_embedded(data_dir) as url, restart_when_dead(data_dir), restart_when_dead(data_dir):
        _write(url, "committed")
        killed = _postmaster(url)
        os.kill(killed, signal.SIGKILL)
        _wait_until(lambda: _is_running(url) and _postmaster(url) != killed)
        assert _kept(url) == "committed"
    assert not _is_running(url)
