"""The variables of the database: its addresses, the connections to it and their time limits."""

from functools import partial
from typing import Annotated

from config import variables
from config.variables import Variable

DatabaseUrl = Annotated[
    str | None,
    Variable(
        "DATABASE_URL",
        partial(variables.read_database, prefer="read-write"),
        shown_default="embedded",
        meaning="PostgreSQL 15 or newer, for writes and reads; several hosts, separated by commas, follow a failover",
        example="postgresql://matinee:password@db1:5432,db2:5432/matinee",
        secret=True,
    ),
]
DatabaseReadUrl = Annotated[
    str | None,
    Variable(
        "DATABASE_READ_URL",
        partial(variables.read_database, prefer="prefer-standby"),
        meaning="standby servers for reads of movies, places and sessions",
        example="postgresql://matinee:password@standby:5432/matinee",
        secret=True,
    ),
]
DatabaseDirectUrl = Annotated[
    str | None,
    Variable(
        "DATABASE_DIRECT_URL",
        partial(variables.read_database, prefer="read-write"),
        meaning="PostgreSQL itself, where `DATABASE_URL` leads through a connection pooler in transaction mode such as"
        " PgBouncer: for migrations, jobs, notices of changes and pipelined reads",
        example="postgresql://matinee:password@db1:5432,db2:5432/matinee",
        secret=True,
    ),
]
PoolSize = Annotated[
    int,
    Variable(
        "MATINEE_POOL_SIZE",
        variables.accept_whole(1, 1000),
        default="10",
        meaning="database connections of a worker process, 1 to 1000",
        example="10",
    ),
]
PipelineConnections = Annotated[
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
StatementSeconds = Annotated[
    float,
    Variable(
        "MATINEE_STATEMENT_SECONDS",
        variables.accept_seconds(0.1, 3600),
        default="5",
        meaning="time limit of a statement, in seconds",
        example="5",
    ),
]
LockSeconds = Annotated[
    float,
    Variable(
        "MATINEE_LOCK_SECONDS",
        variables.accept_seconds(0.1, 3600),
        default="2",
        meaning="time limit of a wait for a lock, in seconds",
        example="2",
    ),
]
