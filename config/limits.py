"""Limits of requests: every limit is an environment variable, declared here as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from config import variables
from config.variables import Variable
from runtime.rate_limits import Rate

PREFIX: Final = "MATINEE_LIMIT_"


def declare_number(name: str, default: int, meaning: str, *, least: int = 1, highest: int = 999_999_999) -> Variable:
    """Return the variable of a limit that is a whole number."""
    parse = variables.accept_whole(least, highest)
    return Variable(f"{PREFIX}{name}", parse, default=str(default), meaning=meaning, example=str(default))


def declare_seconds(name: str, default: float, meaning: str) -> Variable:
    """Return the variable of a limit in seconds."""
    parse = variables.accept_seconds(0.1, 3600)
    return Variable(f"{PREFIX}{name}", parse, default=f"{default:g}", meaning=meaning, example=f"{default:g}")


def declare_rate(name: str, default: str, meaning: str) -> Variable:
    """Return the variable of a rate limit."""
    text = f"{meaning}, written like `{default}` or `1000/hour`; `off` for no limit"
    return Variable(f"{PREFIX}{name}", variables.read_rate, default=default, meaning=text, example=default)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """The limits of one server."""

    body_bytes: Annotated[int, declare_number("BODY", 1024 * 1024, "bytes of a request's body")]
    head_seconds: Annotated[
        float, declare_seconds("HEAD_SECONDS", 10, "seconds until the headers of a request have arrived")
    ]
    body_seconds: Annotated[
        float,
        declare_seconds("BODY_SECONDS", 60, "seconds until its body has arrived, and that an answer may stay unread"),
    ]
    connections: Annotated[
        int,
        declare_number(
            "CONNECTIONS", 1000, "connections of an address to a worker process; trusted proxies have no such limit"
        ),
    ]
    requests: Annotated[
        int,
        declare_number(
            "REQUESTS",
            1000,
            "requests that a worker process works on at once, three quarters of them reads; others are 503 at once",
            least=4,
        ),
    ]
    websockets: Annotated[
        int,
        declare_number("WEBSOCKETS", 500, "WebSockets of an address to a worker process, behind trusted proxies too"),
    ]
    json_depth: Annotated[int, declare_number("JSON_DEPTH", 32, "nested lists and objects in a JSON body", highest=500)]
    characters: Annotated[int, declare_number("DOCUMENT", 100_000, "characters of a GraphQL document")]
    tokens: Annotated[int, declare_number("TOKENS", 5_000, "tokens of a document; GraphiQL's introspection has 400")]
    depth: Annotated[
        int, declare_number("DEPTH", 16, "nested fields in a document; GraphiQL's introspection has 15", highest=100)
    ]
    aliases: Annotated[
        int,
        declare_number(
            "ALIASES", 50, "aliases in an operation; those of a fragment count each time it is spread", least=0
        ),
    ]
    directives: Annotated[int, declare_number("DIRECTIVES", 50, "directives in a document", least=0)]
    directives_here: Annotated[
        int, declare_number("DIRECTIVES_HERE", 5, "directives in one place of a document", least=0)
    ]
    repeats: Annotated[
        int, declare_number("REPEATS", 10, "times that one name may occur in one selection of a document")
    ]
    comparisons: Annotated[
        int,
        declare_number(
            "COMPARISONS",
            30_000,
            "comparisons of fields that fragments merge in one selection; 30 fragments of 8 fields take 16000",
        ),
    ]
    operations: Annotated[int, declare_number("OPERATIONS", 20, "operations in a document")]
    fragments: Annotated[int, declare_number("FRAGMENTS", 100, "fragments in a document", least=0)]
    mutations: Annotated[int, declare_number("MUTATIONS", 10, "mutations in one operation")]
    ids: Annotated[int, declare_number("IDS", 100, "ids that `nodes` takes at once", highest=1000)]
    operation_cost: Annotated[
        int, declare_number("OPERATION_COST", 12_000, "cost of one operation, computed before it runs")
    ]
    cost: Annotated[
        Rate | None,
        declare_rate("COST", "60000/minute", "cost of all operations of a user, or of an anonymous address"),
    ]
    sign_in: Annotated[
        Rate | None, declare_rate("SIGN_IN", "10/minute", "sign-ins from an address, and into an account")
    ]
    sign_up: Annotated[
        Rate | None,
        declare_rate(
            "SIGN_UP",
            "300/minute",
            "sign-ups from an address, and for a name; `off` by default where MATINEE_LIMIT_SIGN_IN is `off`",
        ),
    ]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "RequestLimits":
        """Return the limits of an environment; raise SettingsError on the first wrong one."""
        values: dict[str, Any] = {name: variable.read(environ) for name, variable in FIELDS.items()}
        if values["sign_in"] is None and not environ.get(FIELDS["sign_up"].name, "").strip():
            # Where sign-ins are not limited, as in a closed network, sign-ups are not either.
            values["sign_up"] = None
        return cls(**values)


FIELDS: Final[Mapping[str, Variable]] = variables.collect_variables(RequestLimits)
