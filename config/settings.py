"""The only reader of the environment. Its variables are declared as data, one file per subject, in the modules beside it."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from config import variables
from config.database import (
    DatabaseDirectUrl,
    DatabaseReadUrl,
    DatabaseUrl,
    LockSeconds,
    PipelineConnections,
    PoolSize,
    StatementSeconds,
)
from config.graphql import Documents, Graphiql, Introspection, Planner, ResponseCache, SchemaFile
from config.limits import FIELDS as LIMIT_FIELDS
from config.limits import RequestLimits
from config.rules import (
    CounterOpen,
    CounterTimezone,
    CounterToken,
    Currency,
    ExportDaily,
    ExportsUrl,
    HoldSeconds,
    OffersFreshSeconds,
    PageViewDays,
    Timezone,
)
from config.secret_file import read_or_make_secret
from config.server import Cors, DataDir, Environment, PublicUrl, Secrets, TokenSeconds, TracesUrl, TrustedProxies
from config.third_parties import (
    CataloguePassword,
    CatalogueUrl,
    CatalogueUser,
    CinemaworldToken,
    CinemaworldUrl,
    FilmworldToken,
    FilmworldUrl,
)
from config.variables import Variable

PREFIX: Final = "MATINEE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a server. Immutable, and passed to worker processes by pickle."""

    database_url: DatabaseUrl = field(repr=False)
    database_read_url: DatabaseReadUrl = field(repr=False)
    database_direct_url: DatabaseDirectUrl = field(repr=False)
    data_dir: DataDir
    environment: Environment
    introspection: Introspection
    currency: Currency
    schema_file: SchemaFile
    graphiql: Graphiql
    public_url: PublicUrl
    secrets: Secrets = field(repr=False)
    hold_seconds: HoldSeconds
    page_view_days: PageViewDays
    pool_size: PoolSize
    pipeline_connections: PipelineConnections
    planner: Planner
    response_cache: ResponseCache
    statement_seconds: StatementSeconds
    lock_seconds: LockSeconds
    token_seconds: TokenSeconds
    timezone: Timezone
    catalogue_url: CatalogueUrl
    catalogue_user: CatalogueUser
    catalogue_password: CataloguePassword = field(repr=False)
    counter_timezone: CounterTimezone
    counter_token: CounterToken = field(repr=False)
    counter_open: CounterOpen
    cinemaworld_url: CinemaworldUrl
    cinemaworld_token: CinemaworldToken = field(repr=False)
    filmworld_url: FilmworldUrl
    filmworld_token: FilmworldToken = field(repr=False)
    offers_fresh_seconds: OffersFreshSeconds
    exports_url: ExportsUrl
    traces_url: TracesUrl
    documents: Documents
    export_daily: ExportDaily
    trusted_proxies: TrustedProxies
    cors: Cors
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
