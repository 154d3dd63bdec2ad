"""The `matinee` command as a user meets it: real processes on a real database of their own."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import commands
from config.settings import VARIABLES
from db import migrate
from db.embedded.postmaster import run_embedded
from tests.support.frozen_server import own_data_dir

ROOT: Final = Path(__file__).parents[2]
COMMAND: Final = [sys.executable, "-m", "cli"]
NOWHERE: Final = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"


def environment(folder: Path, **more: str) -> Mapping[str, str]:
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MATINEE_") and "DATABASE_URL" not in name
    }
    return ours | {"MATINEE_DATA_DIR": str(folder), "PYTHONWARNINGS": "default"} | more


def run(folder: Path, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - no input of others
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(folder, **more),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass
class Server:
    """A running server: its process, the address that it printed, and what it logs."""

    process: subprocess.Popen[str]
    address: str
    log: Path

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(10)

    def lines(self, *, until: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Return the whole lines of the log once one of them fits: a thread of the server writes them."""
        deadline = time.monotonic() + 10
        while True:
            written = self.log.read_text().rpartition("\n")[0]
            lines = [json.loads(line) for line in written.splitlines()]
            if any(map(until, lines)):
                return lines
            assert time.monotonic() < deadline, written
            time.sleep(0.05)


@contextmanager
def serving(folder: Path, *arguments: str, **more: str) -> Iterator[Server]:
    """Yield a server that is ready, on a port of its own."""
    with (
        tempfile.NamedTemporaryFile("a") as stderr,
        subprocess.Popen(  # noqa: S603 - no input of others
            [*COMMAND, "serve", "--port", "0", *arguments],
            cwd=ROOT,
            env=environment(folder, **more),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        log = Path(stderr.name)
        assert line.startswith("Storefront"), log.read_text()
        server = Server(process, line.split()[1].rstrip("/"), log)
        try:
            yield server
        finally:
            if process.poll() is None:
                server.end()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data directory whose database stays up between the commands of this module."""
    # Not tmp_path: root's is private, and PostgreSQL does not run as root.
    made = Path(tempfile.mkdtemp(prefix="matinee-cli-"))
    made.chmod(0o755)
    with run_embedded(made) as url:
        migrate.upgrade(url)
        yield made
    shutil.rmtree((made / "postgres").resolve(), ignore_errors=True)
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """A server that several tests look at, with a variable that does not exist in its environment."""
    with serving(folder, "--no-demo", MATINEE_HOLD_SECOND="60") as running:
        yield running


@pytest.fixture
def bare_url(folder: Path) -> str:
    """The address of a new database without a schema."""
    name = f"bare_{secrets.token_hex(4)}"
    with run_embedded(folder) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING utf8")
        return url.replace("/matinee?", f"/{name}?")


def one_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


def test_serve_loads_demo_data_that_outlive_a_restart() -> None:
    made = Path(tempfile.mkdtemp(prefix="matinee-cli-"))
    made.chmod(0o755)
    with serving(made) as first:
        assert httpx.get(f"{first.address}/readyz").json() == {"status": "ready"}
        assert first.end() == 0
    with serving(made) as second:
        assert httpx.get(f"{second.address}/readyz").status_code == 200
        with run_embedded(made) as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT FROM movies").rowcount > 100
        assert second.end() == 0
    shutil.rmtree((made / "postgres").resolve(), ignore_errors=True)
    shutil.rmtree(made)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT])
def test_embedded_database_stops_with_every_end_of_the_server(number: signal.Signals) -> None:
    with own_data_dir() as made, serving(made, "--no-demo") as running:
        assert (made / "postgres" / "postmaster.pid").exists()
        running.process.send_signal(number)
        assert running.process.wait(20) == 0
        assert not (made / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_embedded_database_stops_with_every_end_of_a_command(number: signal.Signals) -> None:
    with (
        own_data_dir() as made,
        subprocess.Popen(  # noqa: S603 - no input of others
            [*COMMAND, "staff", "add", "ada@example.org", "--password-stdin"],
            cwd=ROOT,
            env=environment(made),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            # It starts the database, migrates it, and waits for a password.
            deadline = time.monotonic() + 60
            while not (made / "postgres" / "postmaster.pid").exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(number)
            assert process.wait(20) == 128 + number
        finally:
            process.kill()
        assert not (made / "postgres" / "postmaster.pid").exists()


def test_serve_prints_its_addresses(server: Server) -> None:
    assert server.process.stdout is not None
    rest = [server.process.stdout.readline().split() for _ in range(2)]
    assert rest == [["Playground", f"{server.address}/graphql"], ["Docs", f"{server.address}/docs"]]


def test_logs_request_as_line_of_json_without_terminal(server: Server) -> None:
    httpx.get(f"{server.address}/livez?token=hunter2", headers={"X-Request-Id": "r1"})
    lines = server.lines(until=lambda line: line.get("request_id") == "r1")

    assert [line["path"] for line in lines if line.get("request_id") == "r1"] == ["/livez"]
    assert "hunter2" not in str(lines)


def test_warns_of_misspelt_variable(server: Server) -> None:
    # On a busy machine there may be other warnings: of a third party's stand-in, or of a connection that came late.
    names_variable: Callable[[dict[str, Any]], bool] = lambda line: "MATINEE_HOLD_SECOND " in line["event"]  # noqa: E731
    warnings = [line["event"] for line in server.lines(until=names_variable) if line["level"] == "warning"]

    assert [event for event in warnings if "MATINEE_" in event] == [
        "MATINEE_HOLD_SECOND is not a variable of Matinee; did you mean MATINEE_HOLD_SECONDS?"
    ]


def test_reports_taken_port_in_one_line(folder: Path, server: Server) -> None:
    port = server.address.rpartition(":")[2]
    done = run(folder, "serve", "--port", port)

    assert done.returncode == 1
    assert one_line(done.stderr).startswith(f"Port {port} of 127.0.0.1 is taken")


def test_two_workers_share_request_count_and_survive_kill_of_one(folder: Path) -> None:
    with serving(folder, "--no-demo", "--workers", "2") as server:
        for _ in range(10):
            assert httpx.get(f"{server.address}/livez").status_code == 200
        # Workers publish what they have counted within a second.
        until = time.monotonic() + 30
        while '{method="GET",route="/livez",status="200"} 10.0' not in httpx.get(f"{server.address}/metrics").text:
            assert time.monotonic() < until
            time.sleep(0.1)

        os.kill(workers_of(server.process.pid)[0], signal.SIGKILL)
        answers = {httpx.get(f"{server.address}/readyz").status_code for _ in range(10)}
        assert answers == {200}
        assert server.end() == 0


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a server: its children but for Python's own resource tracker."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands_of = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, command in commands_of.items() if b"spawn_main" in command]


def test_worker_ends_with_status_0(folder: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - no input of others
        [*COMMAND, "worker"], cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Waiting for jobs.\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("arguments", [["serve"], ["staff", "add", "a@example.org"]])
def test_reports_wrong_variable_in_one_line_with_status_2(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments, MATINEE_HOLD_SECONDS="soon")

    assert done.returncode == 2
    assert one_line(done.stderr).startswith("MATINEE_HOLD_SECONDS must be")


def test_refuses_to_serve_a_schema_that_is_behind(folder: Path, bare_url: str) -> None:
    done = run(folder, "serve", "--port", "0", DATABASE_URL=bare_url)

    assert done.returncode == 1
    assert one_line(done.stderr).endswith("Run: matinee migrate")


def test_migrate_upgrades_database_url_and_loads_no_demo_data(folder: Path, bare_url: str) -> None:
    migrated = run(folder, "migrate", DATABASE_URL=bare_url)
    assert migrated.returncode == 0, migrated.stderr

    with serving(folder, DATABASE_URL=bare_url) as server:
        assert httpx.get(f"{server.address}/readyz").status_code == 200
    with psycopg.connect(bare_url) as connection:
        assert connection.execute("SELECT FROM movies").rowcount == 0


def test_commands_accept_address_with_several_hosts(folder: Path, bare_url: str) -> None:
    several = bare_url.replace("?host=", "?host=%2Fnowhere,")
    migrated = run(folder, "migrate", DATABASE_URL=several)
    assert migrated.returncode == 0, migrated.stderr
    added = run(folder, "staff", "add", "ada@example.org", "--password-stdin", stdin="x" * 12, DATABASE_URL=several)
    assert added.returncode == 0, added.stderr


def test_serve_starts_without_database_and_works_once_it_answers(folder: Path) -> None:
    with serving(folder, DATABASE_URL=NOWHERE) as server:
        assert httpx.get(f"{server.address}/readyz").status_code == 503


def test_reports_database_that_does_not_answer_in_one_line(folder: Path) -> None:
    done = run(folder, "migrate", DATABASE_URL=NOWHERE)

    assert done.returncode == 1
    assert one_line(done.stderr).startswith("DATABASE_URL: the database does not answer")
    assert "hunter2" not in done.stderr


@pytest.mark.usefixtures("server")
def test_staff_add_makes_staff_user_while_server_runs(folder: Path) -> None:
    arguments = ("staff", "add", "Ada@example.org", "--password-stdin")
    made = run(folder, *arguments, stdin="correct horse\n")
    again = run(folder, "staff", "add", "ada@example.org")

    assert (made.returncode, made.stdout) == (0, "Ada@example.org is staff.\n")
    assert again.returncode == 0, again.stderr
    with run_embedded(folder) as url, psycopg.connect(url) as connection:
        users = connection.execute("SELECT email, is_staff, password_hash FROM users").fetchall()
    ((email, is_staff, kept),) = (user for user in users if "Ada" in user[0])
    assert (email, is_staff) == ("Ada@example.org", True)
    assert kept.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["bob@example.org"], "", "--password-stdin"),
        (["bob", "--password-stdin"], "correct horse\n", "`email` is not an e-mail address"),
    ],
)
def test_staff_add_reports_invalid_user_in_one_line(folder: Path, arguments: list[str], stdin: str, said: str) -> None:
    done = run(folder, "staff", "add", *arguments, stdin=stdin)

    assert done.returncode == 1
    assert said in one_line(done.stderr)


def test_demo_refuses_production(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", MATINEE_ENV="production", MATINEE_SECRET="s" * 32)

    assert done.returncode == 1
    assert "MATINEE_ENV" in one_line(done.stderr)


def test_serve_starts_stand_ins_and_logs_their_addresses(server: Server) -> None:
    are_served: Callable[[dict[str, Any]], bool] = lambda line: line["event"].startswith("serving stand-ins")  # noqa: E731
    (line,) = filter(are_served, server.lines(until=are_served))

    assert line["missing"] == ["MATINEE_CATALOGUE_URL", "MATINEE_CINEMAWORLD_URL", "MATINEE_FILMWORLD_URL"]
    assert httpx.get(f"{line['address']}/faults/catalogue").status_code == 200


def test_upstreams_prints_variables_for_its_stand_ins(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - no input of others
        [*COMMAND, "upstreams", "--port", "0", "--error-rate", "0", "--timeout-rate", "0"],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        told = dict(process.stdout.readline().rstrip("\n").split("=", 1) for _ in range(3))
        auth = (told["MATINEE_CATALOGUE_USER"], told["MATINEE_CATALOGUE_PASSWORD"])
        assert httpx.get(told["MATINEE_CATALOGUE_URL"], auth=auth).json()["results"]
        process.terminate()
        assert process.wait(10) == 0


def test_upstreams_refuses_production(tmp_path: Path) -> None:
    done = run(tmp_path, "upstreams", MATINEE_ENV="production", MATINEE_SECRET="s" * 32)

    assert done.returncode == 1
    assert "MATINEE_ENV" in one_line(done.stderr)


def test_serve_refuses_open_counter_in_production(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", MATINEE_ENV="production", MATINEE_SECRET="s" * 32)

    assert done.returncode == 2
    assert one_line(done.stderr).startswith("MATINEE_COUNTER_TOKEN must be set")


def test_help_shows_examples_and_every_variable() -> None:
    shown = CliRunner().invoke(commands, ["serve", "--help"]).stdout

    assert "matinee serve --port 8080 --workers 4" in shown
    for variable in VARIABLES:
        assert f"{variable.name} (default: {variable.default_in_words})" in shown


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "demo", "staff"])
def test_help_lists_every_command(command: str) -> None:
    assert f"  {command} " in CliRunner().invoke(commands, ["--help"]).stdout
