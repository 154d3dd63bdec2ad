"""The only reader of the environment: every variable is declared once, here, as data."""

import difflib
import os
import re
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, get_type_hints
from zoneinfo import ZoneInfo

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Error as PsycopgError

PREFIX: Final = "MATINEE_"
SECRET_BYTES: Final = 32
STORE_ADDRESS: Final = r"(file:///|(s3|gs|az)://[A-Za-z0-9])[^\s?#]*"
WEB_ADDRESS: Final = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s?#]*)?"


class SettingsError(ValueError):
    """A variable is wrong. The text is one line: the variable, what is wrong with it, an example."""


@dataclass(frozen=True)
class Variable:
    """One environment variable. `parse` takes the text, empty for unset, and raises ValueError with what it must be."""

    name: str
    parse: Callable[[str], object]
    meaning: str
    example: str
    default: str = ""
    shown_default: str = "none"
    secret: bool = False

    @property
    def default_in_words(self) -> str:
        """What is used when the variable is unset, as a manual says it."""
        return self.default or self.shown_default

    def read(self, environ: Mapping[str, str]) -> object:
        """Return the value to use, an empty variable counting as unset; raise SettingsError where it is wrong."""
        text = environ.get(self.name, "").strip()
        try:
            return self.parse(text or self.default)
        except ValueError as problem:
            found = "" if self.secret else f", not {_shown(text)}"
            raise self.error(f"{problem}{found}") from None

    def error(self, problem: str) -> SettingsError:
        """Return the error that says in one line what is wrong with this variable."""
        return SettingsError(f"{self.name} {problem}. Example: {self.name}={self.example}")


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}…"


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not least <= float(text) <= most:
            raise ValueError(f"must be a number of seconds from {least:g} to {most:g}")
        return float(text)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return text

    return parse


def _database(text: str, *, prefer: str) -> str | None:
    """Return the address as libpq spells it, with a bound on the wait for a host that does not answer.

    With several hosts `prefer` picks among them, so that a failover is followed.
    """
    if not text:
        return None
    url = re.sub(r"^(postgres|postgresql|postgresql\+psycopg)://", "postgresql://", text)
    try:
        parts = conninfo_to_dict(url) if url.startswith("postgresql://") else {}
    except PsycopgError:
        # libpq's own text may quote the password.
        parts = {}
    if not parts:
        raise ValueError("must be the address of a PostgreSQL database")
    added = {"connect_timeout": "2"} | ({"target_session_attrs": prefer} if "," in str(parts.get("host")) else {})
    query = "&".join(f"{name}={value}" for name, value in added.items() if name not in parts)
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _web_address(text: str) -> str | None:
    if text and not re.fullmatch(WEB_ADDRESS, text):
        raise ValueError("must be an address that starts with http:// or https://, without a query")
    return text.rstrip("/") or None


def _list_address(text: str) -> str | None:
    """Return the address to the letter: to many a server one slash more or less is a redirect."""
    _web_address(text)
    return text or None


def _credential(text: str) -> str | None:
    if not text.isprintable():
        raise ValueError("must be printable characters")
    return text or None


def _user_name(text: str) -> str | None:
    if ":" in text:
        raise ValueError("must have no colon")
    return _credential(text)


def _secrets(text: str) -> tuple[bytes, ...]:
    parts = text.split(",") if text else []
    keys = tuple(part.strip().encode("utf-8", "surrogateescape") for part in parts)
    if any(len(key) < SECRET_BYTES for key in keys):
        raise ValueError(f"must have at least {SECRET_BYTES} bytes, in each part between commas")
    return keys


def _counter_token(text: str) -> bytes | None:
    if not re.fullmatch(r"[ -~]{0,1024}", text):
        raise ValueError("must be of ASCII letters, digits and signs, for it travels in a header")
    return text.encode() or None


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false", ""):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _store_address(text: str) -> str | None:
    if text and not re.fullmatch(STORE_ADDRESS, text):
        raise ValueError("must be an address that starts with file:///, s3://, gs:// or az://, without a query")
    return text.rstrip("/") or None


def _switch(text: str) -> bool:
    return _one_of("on", "off")(text) == "on"


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be the name of a time zone in the IANA database") from None


def _folder(text: str) -> Path:
    try:
        folder = Path(text).expanduser().absolute()
        folder.exists()
    except (RuntimeError, ValueError):
        raise ValueError("must be a folder") from None
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the server was told. Immutable, and small enough to travel to workers by pickle."""

    database_url: Annotated[
        str | None,
        Variable(
            "DATABASE_URL",
            partial(_database, prefer="read-write"),
            shown_default="embedded",
            meaning="PostgreSQL 15 or newer, for writes and reads; several hosts, separated by commas, follow a failover",
            example="postgresql://matinee:password@db1:5432,db2:5432/matinee",
            secret=True,
        ),
    ] = field(repr=False)
    database_read_url: Annotated[
        str | None,
        Variable(
            "DATABASE_READ_URL",
            partial(_database, prefer="prefer-standby"),
            meaning="standbys that catalogue reads may come from",
            example="postgresql://matinee:password@standby:5432/matinee",
            secret=True,
        ),
    ] = field(repr=False)
    data_dir: Annotated[
        Path,
        Variable(
            "MATINEE_DATA_DIR",
            _folder,
            default=".matinee",
            meaning="folder of the embedded database and the generated secret",
            example="/var/lib/matinee",
        ),
    ]
    environment: Annotated[
        str,
        Variable(
            "MATINEE_ENV",
            _one_of("development", "production"),
            default="development",
            meaning="`production` generates no secret, loads no demo data, has no stand-ins and logs as JSON",
            example="production",
        ),
    ]
    public_url: Annotated[
        str | None,
        Variable(
            "MATINEE_PUBLIC_URL",
            _web_address,
            shown_default="the address served",
            meaning="base of the absolute addresses in answers",
            example="https://cinema.example.org",
        ),
    ]
    secrets: Annotated[
        tuple[bytes, ...],
        Variable(
            "MATINEE_SECRET",
            _secrets,
            shown_default="generated, kept in the data directory",
            meaning="signs tokens and cursors, at least 32 bytes; several, separated by commas: the first signs, all verify",
            example="$(openssl rand -hex 32)",
            secret=True,
        ),
    ] = field(repr=False)
    hold_seconds: Annotated[
        int,
        Variable(
            "MATINEE_HOLD_SECONDS",
            _whole(1, 3600),
            default="60",
            meaning="life of a booking before it is confirmed, 1 to 3600 seconds",
            example="60",
        ),
    ]
    pool_size: Annotated[
        int,
        Variable(
            "MATINEE_POOL_SIZE",
            _whole(1, 1000),
            default="10",
            meaning="database connections of a worker process, 1 to 1000",
            example="10",
        ),
    ]
    statement_seconds: Annotated[
        float,
        Variable(
            "MATINEE_STATEMENT_SECONDS",
            _seconds(0.1, 3600),
            default="5",
            meaning="the longest that a statement may run",
            example="5",
        ),
    ]
    lock_seconds: Annotated[
        float,
        Variable(
            "MATINEE_LOCK_SECONDS",
            _seconds(0.1, 3600),
            default="2",
            meaning="the longest wait for a lock",
            example="2",
        ),
    ]
    token_seconds: Annotated[
        int,
        Variable(
            "MATINEE_TOKEN_SECONDS",
            _whole(1, 366 * 86400),
            default="86400",
            meaning="life of a token, in seconds",
            example="86400",
        ),
    ]
    timezone: Annotated[
        ZoneInfo,
        Variable(
            "MATINEE_TIMEZONE",
            _timezone,
            default="Europe/Paris",
            meaning="whose days `from` and `to` of the session lists mean",
            example="Europe/Paris",
        ),
    ]
    catalogue_url: Annotated[
        str | None,
        Variable(
            "MATINEE_CATALOGUE_URL",
            _list_address,
            shown_default="a stand-in; in production none",
            meaning="the third-party catalogue's list of movies, at its own address",
            example="https://catalogue.example.org/api/v1/maya/movies/",
            # Somebody may try to give the password in it.
            secret=True,
        ),
    ]
    catalogue_user: Annotated[
        str | None,
        Variable(
            "MATINEE_CATALOGUE_USER",
            _user_name,
            meaning="name for the catalogue's basic authentication",
            example="matinee",
        ),
    ]
    catalogue_password: Annotated[
        str | None,
        Variable(
            "MATINEE_CATALOGUE_PASSWORD",
            _credential,
            meaning="password for the catalogue's basic authentication",
            example="…",
            secret=True,
        ),
    ] = field(repr=False)
    counter_timezone: Annotated[
        ZoneInfo,
        Variable(
            "MATINEE_COUNTER_TIMEZONE",
            _timezone,
            default="Asia/Kolkata",
            meaning="where times without an offset are, in `/api/…`",
            example="Asia/Kolkata",
        ),
    ]
    counter_token: Annotated[
        bytes | None,
        Variable(
            "MATINEE_COUNTER_TOKEN",
            _counter_token,
            meaning="what every write to `/events/` and `/reservations/` and every call of `/api/…` needs as"
            " `X-Auth-Token`, unless a staff user makes it",
            example="$(openssl rand -hex 16)",
            secret=True,
        ),
    ] = field(repr=False)
    counter_open: Annotated[
        bool,
        Variable(
            "MATINEE_COUNTER_OPEN",
            _yes_or_no,
            default="false",
            meaning="`true` lets the server start in production without a counter token, open to anybody",
            example="true",
        ),
    ]

    cinemaworld_url: Annotated[
        str | None,
        Variable(
            "MATINEE_CINEMAWORLD_URL",
            _web_address,
            shown_default="a stand-in; in production none",
            meaning="base of the price provider Cinemaworld: `/movies`, `/movies/{id}` and `/movie` are below it",
            example="https://prices.example.org/dev/cinemaworld",
            secret=True,
        ),
    ]
    cinemaworld_token: Annotated[
        str | None,
        Variable(
            "MATINEE_CINEMAWORLD_TOKEN",
            _credential,
            meaning="sent to Cinemaworld as `x-access-token`",
            example="…",
            secret=True,
        ),
    ] = field(repr=False)
    filmworld_url: Annotated[
        str | None,
        Variable(
            "MATINEE_FILMWORLD_URL",
            _web_address,
            shown_default="a stand-in; in production none",
            meaning="base of the price provider Filmworld, as of the other one",
            example="https://prices.example.org/dev/filmworld",
            secret=True,
        ),
    ]
    filmworld_token: Annotated[
        str | None,
        Variable(
            "MATINEE_FILMWORLD_TOKEN",
            _credential,
            meaning="sent to Filmworld as `x-access-token`",
            example="…",
            secret=True,
        ),
    ] = field(repr=False)
    offers_fresh_seconds: Annotated[
        float,
        Variable(
            "MATINEE_OFFERS_FRESH_SECONDS",
            _seconds(0, 3600),
            default="5",
            meaning="for how long a price provider's answer is good",
            example="5",
        ),
    ]
    exports_url: Annotated[
        str | None,
        Variable(
            "MATINEE_EXPORTS_URL",
            _store_address,
            shown_default="the folder `exports` in the data directory",
            meaning="where the files of exports are kept: a folder of this machine, or a bucket, whose credentials and "
            "region are those of its own variables, such as AWS_ACCESS_KEY_ID",
            example="s3://matinee-exports/csv",
        ),
    ]
    export_daily: Annotated[
        bool,
        Variable(
            "MATINEE_EXPORT_DAILY",
            _switch,
            default="off",
            meaning="`on` makes an export every 24 hours by itself, for staff",
            example="on",
        ),
    ]

    @property
    def production(self) -> bool:
        """Whether this is production, where nothing is generated or assumed."""
        return self.environment == "production"

    def require_counter(self) -> None:
        """Raise SettingsError where the counter would be open in production and nobody has said that it may be."""
        if self.production and self.counter_token is None and not self.counter_open:
            problem = "must be set when MATINEE_ENV is production, unless MATINEE_COUNTER_OPEN is true"
            raise NAMED["MATINEE_COUNTER_TOKEN"].error(problem)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment; raise SettingsError on the first wrong one.

        In development a missing secret is read from the data directory, and made there the first time.
        """
        values: dict[str, Any] = {name: variable.read(environ) for name, variable in FIELDS.items()}
        settings = cls(**values)
        return settings if settings.secrets else replace(settings, secrets=(_kept_secret(settings),))


FIELDS: Final[Mapping[str, Variable]] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Settings, include_extras=True).items()
}
VARIABLES: Final[tuple[Variable, ...]] = tuple(FIELDS.values())
NAMED: Final[Mapping[str, Variable]] = {variable.name: variable for variable in VARIABLES}


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each `MATINEE_…` variable that nothing reads, with the nearest name that something does."""
    warnings = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NAMED:
            near = difflib.get_close_matches(name, NAMED, n=1, cutoff=0.75)
            warnings.append(f"{name} is not a variable of Matinee" + (f"; did you mean {near[0]}?" if near else "."))
    return warnings


def _kept_secret(settings: Settings) -> bytes:
    if settings.production:
        raise NAMED["MATINEE_SECRET"].error("must be set when MATINEE_ENV is production")
    file = settings.data_dir / "secret"
    try:
        return _read_or_make(file)
    except OSError as problem:
        text = f"must be a folder that can be written to ({problem.strerror}: {file})"
        raise NAMED["MATINEE_DATA_DIR"].error(text) from None


def _read_or_make(file: Path) -> bytes:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"secret.{randomness.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(randomness.token_hex(SECRET_BYTES), encoding="ascii")
        try:
            # A link appears whole or not at all: of processes that start together all read one secret.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    secret = file.read_bytes().strip()
    if len(secret) < SECRET_BYTES:
        raise SettingsError(f"{file} holds no secret of {SECRET_BYTES} bytes. Delete it, and a new one is made")
    return secret
