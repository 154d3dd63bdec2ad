"""The only reader of the environment: every variable is declared once, here, as data."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from config import variables
from config.limits import FIELDS as LIMIT_FIELDS
from config.limits import RequestLimits
from config.secret_file import read_or_make_secret
from config.third_parties import (
    CataloguePassword,
    CatalogueUrl,
    CatalogueUser,
    CinemaworldToken,
    CinemaworldUrl,
    FilmworldToken,
    FilmworldUrl,
)
from config.variables import PlannerMode, Variable

PREFIX: Final = "MATINEE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a server. Immutable, and passed to worker processes by pickle."""

    database_url: Annotated[
        str | None,
        Variable(
            "DATABASE_URL",
            partial(variables.read_database, prefer="read-write"),
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
            partial(variables.read_database, prefer="prefer-standby"),
            meaning="standby servers for reads of movies, places and sessions",
            example="postgresql://matinee:password@standby:5432/matinee",
            secret=True,
        ),
    ] = field(repr=False)
    database_direct_url: Annotated[
        str | None,
        Variable(
            "DATABASE_DIRECT_URL",
            partial(variables.read_database, prefer="read-write"),
            meaning="PostgreSQL itself, where `DATABASE_URL` leads through a connection pooler in transaction mode such as"
            " PgBouncer: for migrations, jobs, notices of changes and pipelined reads",
            example="postgresql://matinee:password@db1:5432,db2:5432/matinee",
            secret=True,
        ),
    ] = field(repr=False)
    data_dir: Annotated[
        Path,
        Variable(
            "MATINEE_DATA_DIR",
            variables.read_folder,
            default=".matinee",
            meaning="folder of the embedded database and the generated secret",
            example="/var/lib/matinee",
        ),
    ]
    environment: Annotated[
        str,
        Variable(
            "MATINEE_ENV",
            variables.accept_words("development", "production"),
            default="development",
            meaning="`production` generates no secret, loads no demo data, has no stand-ins and logs as JSON",
            example="production",
        ),
    ]
    introspection: Annotated[
        bool | None,
        Variable(
            "MATINEE_INTROSPECTION",
            variables.read_switch_where_set,
            shown_default="`on`; in production `off`",
            meaning="`off` refuses GraphQL documents that ask for the schema by `__schema` or `__type`",
            example="on",
        ),
    ]
    currency: Annotated[
        str,
        Variable(
            "MATINEE_CURRENCY",
            variables.read_currency,
            default="EUR",
            meaning="currency of the providers' prices, which they do not name: an ISO 4217 code",
            example="USD",
        ),
    ]
    schema_file: Annotated[
        bool,
        Variable(
            "MATINEE_SCHEMA_FILE",
            variables.read_switch,
            default="on",
            meaning="`on` serves the GraphQL schema in the schema definition language at `/schema.graphql`, also in production",
            example="off",
        ),
    ]
    graphiql: Annotated[
        bool | None,
        Variable(
            "MATINEE_GRAPHIQL",
            variables.read_switch_where_set,
            shown_default="`on`; in production `off`",
            meaning="`on` shows GraphiQL to browsers at `/graphql`; it reads the schema by introspection",
            example="on",
        ),
    ]
    public_url: Annotated[
        str | None,
        Variable(
            "MATINEE_PUBLIC_URL",
            variables.read_web_address,
            shown_default="host of the request",
            meaning="base of the absolute addresses in answers",
            example="https://cinema.example.org",
        ),
    ]
    secrets: Annotated[
        tuple[bytes, ...],
        Variable(
            "MATINEE_SECRET",
            variables.read_secrets,
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
            variables.accept_whole(1, 3600),
            default="60",
            meaning="life of a booking before it is confirmed, 1 to 3600 seconds",
            example="60",
        ),
    ]
    pool_size: Annotated[
        int,
        Variable(
            "MATINEE_POOL_SIZE",
            variables.accept_whole(1, 1000),
            default="10",
            meaning="database connections of a worker process, 1 to 1000",
            example="10",
        ),
    ]
    pipeline_connections: Annotated[
        int,
        Variable(
            "MATINEE_PIPELINE_CONNECTIONS",
            variables.accept_whole(0, 100),
            default="2",
            meaning="connections to each database that the reads of a worker process share, 0 to 100; 0 reads through the "
            "pool, for connection poolers that do not support prepared statements or start-up options",
            example="2",
        ),
    ]
    planner: Annotated[
        PlannerMode,
        Variable(
            "MATINEE_PLANNER",
            variables.read_planner_mode,
            default="on",
            meaning="`on` answers GraphQL queries by one SQL statement each where it can; `off` runs all of them on the"
            " executor; `check=0.01` is `on`, and runs this share of them on both and counts differences in /metrics",
            example="check=0.01",
        ),
    ]
    response_cache: Annotated[
        int,
        Variable(
            "MATINEE_RESPONSE_CACHE",
            variables.read_memory_size,
            default="16MB",
            meaning="memory of each worker process for answers of the programme to anonymous callers, which are kept until"
            " what they show changes; `off` keeps none",
            example="64MB",
        ),
    ]
    statement_seconds: Annotated[
        float,
        Variable(
            "MATINEE_STATEMENT_SECONDS",
            variables.accept_seconds(0.1, 3600),
            default="5",
            meaning="time limit of a statement, in seconds",
            example="5",
        ),
    ]
    lock_seconds: Annotated[
        float,
        Variable(
            "MATINEE_LOCK_SECONDS",
            variables.accept_seconds(0.1, 3600),
            default="2",
            meaning="time limit of a wait for a lock, in seconds",
            example="2",
        ),
    ]
    token_seconds: Annotated[
        int,
        Variable(
            "MATINEE_TOKEN_SECONDS",
            variables.accept_whole(1, 366 * 86400),
            default="86400",
            meaning="life of a token, in seconds",
            example="86400",
        ),
    ]
    timezone: Annotated[
        ZoneInfo,
        Variable(
            "MATINEE_TIMEZONE",
            variables.read_timezone,
            default="Europe/Paris",
            meaning="time zone of the dates in `from` and `to` of the session lists",
            example="Europe/Paris",
        ),
    ]
    catalogue_url: CatalogueUrl
    catalogue_user: CatalogueUser
    catalogue_password: CataloguePassword = field(repr=False)
    counter_timezone: Annotated[
        ZoneInfo,
        Variable(
            "MATINEE_COUNTER_TIMEZONE",
            variables.read_timezone,
            default="Asia/Kolkata",
            meaning="time zone of times without an offset in `/api/…`",
            example="Asia/Kolkata",
        ),
    ]
    counter_token: Annotated[
        bytes | None,
        Variable(
            "MATINEE_COUNTER_TOKEN",
            variables.read_counter_token,
            meaning="token in `X-Auth-Token` that every write to `/events/` and `/reservations/` and every call of `/api/…`"
            " needs, except those of staff users",
            example="$(openssl rand -hex 16)",
            secret=True,
        ),
    ] = field(repr=False)
    counter_open: Annotated[
        bool,
        Variable(
            "MATINEE_COUNTER_OPEN",
            variables.read_yes_or_no,
            default="false",
            meaning="`true` lets the server start in production without a counter token, open to anybody",
            example="true",
        ),
    ]

    cinemaworld_url: CinemaworldUrl
    cinemaworld_token: CinemaworldToken = field(repr=False)
    filmworld_url: FilmworldUrl
    filmworld_token: FilmworldToken = field(repr=False)
    offers_fresh_seconds: Annotated[
        float,
        Variable(
            "MATINEE_OFFERS_FRESH_SECONDS",
            variables.accept_seconds(0, 3600),
            default="5",
            meaning="seconds for which a price provider's answer is reused",
            example="5",
        ),
    ]
    exports_url: Annotated[
        str | None,
        Variable(
            "MATINEE_EXPORTS_URL",
            variables.read_store_address,
            shown_default="the folder `exports` in the data directory",
            meaning="where files of exports are stored: a folder of this machine, or a bucket, whose credentials and region "
            "come from its own variables, such as AWS_ACCESS_KEY_ID",
            example="s3://matinee-exports/csv",
        ),
    ]
    traces_url: Annotated[
        str | None,
        Variable(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            variables.read_web_address,
            meaning="a collector of OpenTelemetry traces that takes OTLP over HTTP, at `/v1/traces` below this address;"
            " headers, sampling and the service's name come from OpenTelemetry's other variables",
            example="http://collector.example.org:4318",
            # Somebody may put credentials into it.
            secret=True,
        ),
    ]
    documents: Annotated[
        str,
        Variable(
            "MATINEE_DOCUMENTS",
            variables.accept_words("automatic", "off", "log", "enforce"),
            default="automatic",
            meaning="GraphQL documents that are not registered: `automatic` runs them and remembers those that come with"
            " their hash (Apollo's persisted queries), `off` runs them and remembers none, `log` is `automatic` and also logs"
            " and counts them, `enforce` refuses them",
            example="enforce",
        ),
    ]
    export_daily: Annotated[
        bool,
        Variable(
            "MATINEE_EXPORT_DAILY",
            variables.read_switch,
            default="off",
            meaning="`on` makes an export every 24 hours, for staff",
            example="on",
        ),
    ]
    trusted_proxies: Annotated[
        str,
        Variable(
            "MATINEE_TRUSTED_PROXIES",
            variables.read_proxies,
            shown_default="none",
            meaning="proxies in front of this server, whose `X-Forwarded-For`, `-Proto` and `-Host` this server believes: addresses "
            "and networks, separated by commas",
            example="10.0.0.0/8,192.168.7.2",
        ),
    ]
    cors: Annotated[
        tuple[str, ...] | None,
        Variable(
            "MATINEE_CORS_ORIGINS",
            variables.read_origins,
            shown_default="`*`; in production none",
            meaning="origins whose pages may call this server from a browser, separated by commas; `*` for any, "
            "without credentials; `off` for none",
            example="https://app.example.org,http://localhost:5173",
        ),
    ]
    limits: RequestLimits

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The origins whose pages may call this server."""
        return (() if self.production else ("*",)) if self.cors is None else self.cors

    @property
    def direct_url(self) -> str | None:
        """The address of PostgreSQL itself, not of a connection pooler."""
        return self.database_direct_url or self.database_url

    @property
    def production(self) -> bool:
        """Whether this is production, where no value is generated or assumed."""
        return self.environment == "production"

    @property
    def allows_introspection(self) -> bool:
        """Whether introspection is answered."""
        return not self.production if self.introspection is None else self.introspection

    @property
    def suggests_names(self) -> bool:
        """Whether an error may suggest names of the schema: in development, where introspection is on."""
        return self.allows_introspection and not self.production

    @property
    def shows_graphiql(self) -> bool:
        """Whether a browser gets GraphiQL."""
        return not self.production if self.graphiql is None else self.graphiql

    def require_counter(self) -> None:
        """Raise SettingsError where the counter would be open in production without MATINEE_COUNTER_OPEN."""
        if self.production and self.counter_token is None and not self.counter_open:
            problem = "must be set when MATINEE_ENV is production, unless MATINEE_COUNTER_OPEN is true"
            raise NAMED["MATINEE_COUNTER_TOKEN"].error(problem)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings of an environment; raise SettingsError on the first wrong one.

        In development a missing secret is read from the data directory, and generated there at the first start.
        """
        values: dict[str, Any] = {name: variable.read(environ) for name, variable in FIELDS.items()}
        if values["database_direct_url"] and not values["database_url"]:
            raise NAMED["DATABASE_DIRECT_URL"].error("needs DATABASE_URL to be set as well")
        settings = cls(**values, limits=RequestLimits.from_env(environ))
        return settings if settings.secrets else replace(settings, secrets=(_read_secret(settings),))


FIELDS: Final[Mapping[str, Variable]] = variables.collect_variables(Settings)
VARIABLES: Final[tuple[Variable, ...]] = (*FIELDS.values(), *LIMIT_FIELDS.values())
NAMED: Final[Mapping[str, Variable]] = {variable.name: variable for variable in VARIABLES}


def find_unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each `MATINEE_…` variable that nothing reads, with the most similar name that is read."""
    warnings = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NAMED:
            near = difflib.get_close_matches(name, NAMED, n=1, cutoff=0.75)
            warnings.append(f"{name} is not a variable of Matinee" + (f"; did you mean {near[0]}?" if near else "."))
    return warnings


def _read_secret(settings: Settings) -> bytes:
    if settings.production:
        raise NAMED["MATINEE_SECRET"].error("must be set when MATINEE_ENV is production")
    file = settings.data_dir / "secret"
    try:
        return read_or_make_secret(file)
    except OSError as problem:
        text = f"must be a folder that can be written to ({problem.strerror}: {file})"
        raise NAMED["MATINEE_DATA_DIR"].error(text) from None
