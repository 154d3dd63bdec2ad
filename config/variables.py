"""Environment variables as data, and the functions that read their texts."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final, get_type_hints
from zoneinfo import ZoneInfo

from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Error as PsycopgError
from psycopg.pq import Conninfo
from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from runtime.rate_limits import Rate

SECRET_BYTES: Final = 32
MOST_DAYS: Final = 36_500
STORE_ADDRESS: Final = r"(file:///|(s3|gs|az)://[A-Za-z0-9])[^\s?#]*"
RATE: Final = re.compile(r"([0-9]{1,9})/([0-9]{0,4})(second|minute|hour|day)")
MEMORY_SIZE: Final = re.compile(r"([0-9]{1,6})(KB|MB|GB)")
MEMORY_UNITS: Final[Mapping[str, int]] = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
UNITS: Final[Mapping[str, int]] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
ORIGIN: Final = r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?"
WEB_ADDRESS: Final = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[^\s?#]*)?"
ADDRESS_PARSER: Final = TypeAdapter(AnyHttpUrl)


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
        """The value of an unset variable, as documentation shows it."""
        return self.default or self.shown_default

    def read(self, environ: Mapping[str, str]) -> object:
        """Return the value; an empty variable counts as unset. Raise SettingsError where it is wrong."""
        text = environ.get(self.name, "").strip()
        try:
            return self.parse(text or self.default)
        except ValueError as problem:
            found = "" if self.secret else f", not {_quote(text)}"
            raise self.error(f"{problem}{found}") from None

    def error(self, problem: str) -> SettingsError:
        """Return the error that says in one line what is wrong with this variable."""
        return SettingsError(f"{self.name} {problem}. Example: {self.name}={self.example}")


def _quote(text: str) -> str:
    return repr(text) if len(text) <= 60 else f"{text[:60]!r}…"


def collect_variables(kind: type) -> dict[str, Variable]:
    """Return the variables in the annotations of a class's fields, by the names of the fields."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}


def accept_whole(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads whole numbers, both bounds included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return parse


def read_days(text: str) -> int | None:
    """Return a whole number of days, None for `off`; raise ValueError where the text is neither."""
    if text == "off":
        return None
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= MOST_DAYS:
        raise ValueError(f"must be `off`, or a whole number of days from 1 to {MOST_DAYS}")
    return int(text)


def accept_seconds(least: float, most: float) -> Callable[[str], float]:
    """Return a function that reads numbers of seconds, both bounds included."""

    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not least <= float(text) <= most:
            raise ValueError(f"must be a number of seconds from {least:g} to {most:g}")
        return float(text)

    return parse


def read_memory_size(text: str) -> int:
    """Return a number of bytes, 0 for `off`; raise ValueError where the text is neither."""
    if text == "off":
        return 0
    found = MEMORY_SIZE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ValueError("must be `off`, or a whole number with KB, MB or GB")
    return int(found[1]) * MEMORY_UNITS[found[2]]


def accept_words(*words: str) -> Callable[[str], str]:
    """Return a function that reads one of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be {' or '.join(words)}")
        return text

    return parse


def read_currency(text: str) -> str:
    """Return the code of a currency; raise ValueError where it is none."""
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise ValueError("must be three capital letters")
    return text


def read_database(text: str, *, prefer: str) -> str | None:
    """Return the address as libpq writes it.

    With several hosts `prefer` chooses among them, so that connections follow a failover, unless the address or
    PGTARGETSESSIONATTRS chooses already.
    """
    if not text:
        return None
    url = re.sub(r"^(postgres|postgresql|postgresql\+psycopg)://", "postgresql://", text)
    try:
        parts = conninfo_to_dict(url) if url.startswith("postgresql://") else {}
    except PsycopgError:
        # libpq's own text may contain the password.
        parts = {}
    if not parts:
        raise ValueError("must be the address of a PostgreSQL database")
    several = "," in str(parts.get("host"))
    chosen = {each.keyword: each.val for each in Conninfo.get_defaults()}[b"target_session_attrs"]
    if not several or "target_session_attrs" in parts or chosen not in (None, b"any"):
        return url
    return f"{url}{'&' if '?' in url else '?'}target_session_attrs={prefer}"


def read_web_address(text: str) -> str | None:
    """Return the address without a slash at its end, None for none."""
    if text and not (re.fullmatch(WEB_ADDRESS, text) and has_host_and_port(text)):
        raise ValueError("must be an address that starts with http:// or https://, without a query")
    return text.rstrip("/") or None


def has_host_and_port(address: str) -> bool:
    """Return whether the address has a valid host, and a port from 1 to 65535."""
    try:
        url = ADDRESS_PARSER.validate_python(address)
    except ValidationError:
        return False
    return bool(url.host and url.host.strip(".")) and url.port != 0


def read_list_address(text: str) -> str | None:
    """Return the address unchanged: many servers redirect for one slash more or less."""
    read_web_address(text)
    return text or None


def read_credential(text: str) -> str | None:
    """Return a name, a password or a token, None for none."""
    if not text.isprintable():
        raise ValueError("must be printable characters")
    return text or None


def read_user_name(text: str) -> str | None:
    """Return a name that basic authentication can carry, None for none."""
    if ":" in text:
        raise ValueError("must have no colon")
    return read_credential(text)


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Return the secrets between the commas."""
    parts = text.split(",") if text else []
    keys = tuple(part.strip().encode("utf-8", "surrogateescape") for part in parts)
    if any(len(key) < SECRET_BYTES for key in keys):
        raise ValueError(f"must have at least {SECRET_BYTES} bytes, in each part between commas")
    return keys


def read_counter_token(text: str) -> bytes | None:
    """Return a token as a header carries it, None for none."""
    if not re.fullmatch(r"[ -~]{0,1024}", text):
        raise ValueError("must be of ASCII letters, digits and signs, for it travels in a header")
    return text.encode() or None


def read_yes_or_no(text: str) -> bool:
    """Return whether the text is `true`; an empty text is `false`."""
    if text.lower() not in ("true", "false", ""):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def read_store_address(text: str) -> str | None:
    """Return the address of a store of files, None for none."""
    if text and not re.fullmatch(STORE_ADDRESS, text):
        raise ValueError("must be an address that starts with file:///, s3://, gs:// or az://, without a query")
    return text.rstrip("/") or None


def read_switch(text: str) -> bool:
    """Return whether the text is `on`."""
    return accept_words("on", "off")(text) == "on"


def read_switch_where_set(text: str) -> bool | None:
    """Return whether the text is `on`, None where it is empty."""
    return read_switch(text) if text else None


def read_rate(text: str) -> Rate | None:
    """Return the rate, None for `off`."""
    if text == "off":
        return None
    found = RATE.fullmatch(text)
    amount, number = (int(found[1]), int(found[2] or 1)) if found else (0, 0)
    if not found or not amount or not number:
        raise ValueError("must be a rate, a number per second, minute, hour or day, or off")
    return Rate(amount, number * UNITS[found[3]])


def read_proxies(text: str) -> str:
    """Return addresses and networks, separated by commas, as uvicorn takes them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        for part in parts:
            ip_network(part)
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, separated by commas") from None
    return ",".join(parts)


def read_origins(text: str) -> tuple[str, ...] | None:
    """Return origins as browsers write them, `("*",)` for any, `()` for `off`, None where nothing is set."""
    if text in ("", "off", "*"):
        return {"": None, "off": (), "*": ("*",)}[text]
    parts = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not parts or not all(re.fullmatch(ORIGIN, part) for part in parts):
        raise ValueError("must be origins such as https://app.example.org, without a path, or * alone, or off")
    return parts


def read_timezone(text: str) -> ZoneInfo:
    """Return the time zone of a name."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be the name of a time zone in the IANA database") from None


@dataclass(frozen=True, slots=True)
class PlannerMode:
    """Whether queries are planned, and which share of the planned ones also runs on the executor."""

    is_on: bool
    checked_share: float = 0.0


def read_planner_mode(text: str) -> PlannerMode:
    """Return the mode of the planner."""
    if text in ("on", "off"):
        return PlannerMode(text == "on")
    share = re.fullmatch(r"check=(0(?:\.\d{1,9})?|1(?:\.0{1,9})?)", text, re.ASCII)
    if share is None:
        raise ValueError("must be `on`, `off`, or `check=` and a share from 0 to 1")
    return PlannerMode(is_on=True, checked_share=float(share[1]))


def read_folder(text: str) -> Path:
    """Return the folder, which need not exist yet."""
    try:
        folder = Path(text).expanduser().absolute()
        folder.exists()
    except (RuntimeError, ValueError):
        raise ValueError("must be a folder") from None
    return folder
