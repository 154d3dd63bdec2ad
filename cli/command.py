"""What the commands share: the settings, the database, and errors that end a command with one line."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import structlog
from psycopg import OperationalError

from config.settings import Settings, find_unknown_variables
from db import revision
from db.embedded.postmaster import run_embedded
from db.embedded.restart import restart_when_dead
from runtime import logs
from runtime.shutdown import DATABASE_STOPPED, limit_to_deadline

# A database that takes longer to stop goes on stopping by itself.
STOP_SECONDS: Final = 2.0
EVERYWHERE: Final = ("0.0.0.0", "::", "")  # noqa: S104 - what a caller asks for, not a default

log = structlog.get_logger("matinee")


class CommandError(Exception):
    """A command failed. The text is one line that says what is wrong and what to do."""


class NoAnswerError(CommandError):
    """The database does not answer."""


def format_examples(*lines: str) -> str:
    """Return the end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def read_settings() -> Settings:
    """Return the settings of the environment, and warn of unknown variables; raise SettingsError."""
    settings = Settings.from_env(os.environ)
    logs.configure_logs(as_json=wants_json_logs(settings))
    for warning in find_unknown_variables(os.environ):
        log.warning(warning)
    return settings


def wants_json_logs(settings: Settings) -> bool:
    """Return whether log lines are JSON."""
    return logs.wants_json(sys.stderr, production=settings.production)


@contextmanager
def prepare_database(settings: Settings, *, needed: bool = True) -> Iterator[str]:
    """Yield the address of a database whose schema is up to date: the embedded one unless DATABASE_URL is set.

    Raise CommandError where the schema of DATABASE_URL is behind, or the database does not answer while it is `needed`.
    """
    if settings.database_url:
        try:
            _refuse_old_schema(settings.direct_url or "")
        except NoAnswerError as error:
            if needed:
                raise
            # A server may start before its database; until the database answers it answers 503, and /readyz says why.
            log.warning(str(error))
        yield settings.database_url
        return
    limit_stop = partial(limit_to_deadline, STOP_SECONDS, deadline=DATABASE_STOPPED)
    with run_embedded(settings.data_dir, limit_stop=limit_stop) as url, restart_when_dead(settings.data_dir):
        migrate_database(url)
        yield url


def migrate_database(url: str) -> None:
    """Bring the schema up to date; raise CommandError where that fails."""
    try:
        with _require_answer():
            revision.reach_head(url)
    except revision.MigrationError as error:
        raise CommandError(f"The schema of the database could not be brought up to date: {error}") from error


@contextmanager
def _require_answer() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = " ".join(str(error).split())
        raise NoAnswerError(f"DATABASE_URL: the database does not answer: {reason}") from error


def _refuse_old_schema(url: str) -> None:
    with _require_answer():
        found = revision.read_revision(url)
    if revision.is_behind(found):
        raise CommandError(
            f"The schema of the database is at {found or 'nothing'} and this server needs {revision.find_head()}."
            " Run: matinee migrate"
        )


def format_address(host: str, listener: socket.socket) -> str:
    """Return the address of a listening socket for a browser on this machine."""
    port = listener.getsockname()[1]
    name = "localhost" if host in EVERYWHERE else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
