"""The variables of the server as a whole: its data, secrets and addresses, and what is around it."""

from pathlib import Path
from typing import Annotated

from config import variables
from config.variables import Variable

DataDir = Annotated[
    Path,
    Variable(
        "MATINEE_DATA_DIR",
        variables.read_folder,
        default=".matinee",
        meaning="folder of the embedded database and the generated secret",
        example="/var/lib/matinee",
    ),
]
Environment = Annotated[
    str,
    Variable(
        "MATINEE_ENV",
        variables.accept_words("development", "production"),
        default="development",
        meaning="`production` generates no secret, loads no demo data, has no stand-ins and logs as JSON",
        example="production",
    ),
]
PublicUrl = Annotated[
    str | None,
    Variable(
        "MATINEE_PUBLIC_URL",
        variables.read_web_address,
        shown_default="host of the request",
        meaning="base of the absolute addresses in answers",
        example="https://cinema.example.org",
    ),
]
Secrets = Annotated[
    tuple[bytes, ...],
    Variable(
        "MATINEE_SECRET",
        variables.read_secrets,
        shown_default="generated, kept in the data directory",
        meaning="signs tokens and cursors, at least 32 bytes; several, separated by commas: the first signs, all verify",
        example="$(openssl rand -hex 32)",
        secret=True,
    ),
]
TokenSeconds = Annotated[
    int,
    Variable(
        "MATINEE_TOKEN_SECONDS",
        variables.accept_whole(1, 366 * 86400),
        default="86400",
        meaning="life of a token, in seconds",
        example="86400",
    ),
]
TracesUrl = Annotated[
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
TrustedProxies = Annotated[
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
Cors = Annotated[
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
