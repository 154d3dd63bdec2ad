"""The variables of GraphQL: what it shows of its schema, which documents it runs, and how."""

from typing import Annotated

from config import variables
from config.variables import PlannerMode, Variable

Introspection = Annotated[
    bool | None,
    Variable(
        "MATINEE_INTROSPECTION",
        variables.read_switch_where_set,
        shown_default="`on`; in production `off`",
        meaning="`off` refuses GraphQL documents that ask for the schema by `__schema` or `__type`",
        example="on",
    ),
]
SchemaFile = Annotated[
    bool,
    Variable(
        "MATINEE_SCHEMA_FILE",
        variables.read_switch,
        default="on",
        meaning="`on` serves the GraphQL schema in the schema definition language at `/schema.graphql`, also in production",
        example="off",
    ),
]
Graphiql = Annotated[
    bool | None,
    Variable(
        "MATINEE_GRAPHIQL",
        variables.read_switch_where_set,
        shown_default="`on`; in production `off`",
        meaning="`on` shows GraphiQL to browsers at `/graphql`; it reads the schema by introspection",
        example="on",
    ),
]
Planner = Annotated[
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
ResponseCache = Annotated[
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
Documents = Annotated[
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
