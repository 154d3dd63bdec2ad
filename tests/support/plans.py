"""How PostgreSQL runs a statement: what it reads, and by which way."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection, sql

# Tables that grow with use. Places do not: a chain of cinemas fits on a few pages of the disk, where a scan is cheapest.
GROWING: Final = {
    "users",
    "movies",
    "sessions",
    "airings",
    "ratings",
    "bookings",
    "seat_reservations",
    "page_views",
    "events",
    "event_reservations",
    "shows",
    "tickets",
}
# From the sixth time on PostgreSQL may stop to look at the values and plan once for all of them.
OFTEN: Final = 8


@dataclass(frozen=True)
class Plan:
    """A plan, as EXPLAIN (FORMAT JSON) gives it."""

    root: Mapping[str, Any]

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Yield every step, outer ones first."""
        waiting = [self.root]
        while waiting:
            step = waiting.pop()
            yield step
            waiting += step.get("Plans", [])

    @property
    def scanned(self) -> set[str]:
        """The growing tables that are read from end to end."""
        return {step["Relation Name"] for step in self if step["Node Type"] == "Seq Scan"} & GROWING

    @property
    def sorts(self) -> list[Mapping[str, Any]]:
        """The steps that need all of their rows before they can give the first."""
        return [
            step
            for step in self
            if step["Node Type"] in {"Sort", "Incremental Sort", "Unique", "Aggregate", "WindowAgg"}
        ]

    @property
    def rows_read(self) -> int:
        """How many rows were looked at in tables, those that a filter threw away among them."""
        return round(sum(looked_at(step) for step in self if "Relation Name" in step))

    @property
    def indexes(self) -> set[str]:
        """The indexes that were used."""
        return {step["Index Name"] for step in self if "Index Name" in step}


def looked_at(step: Mapping[str, Any]) -> float:
    """Return how many rows a step looked at, over all of its loops."""
    thrown_away = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    each: float = step["Actual Rows"] + sum(step.get(name, 0) for name in thrown_away)
    return each * float(step["Actual Loops"])


async def explained(connection: AsyncConnection[Any], statement: str, parameters: Mapping[str, object]) -> Plan:
    """Return how a statement is run with these values."""
    cursor = await connection.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
    return await plan_of(cursor)


async def planned(connection: AsyncConnection[Any], statement: str, parameters: Mapping[str, object]) -> Plan:
    """Return how a statement would be run."""
    return await plan_of(await connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters))


async def explained_when_prepared(
    connection: AsyncConnection[Any], statement: str, parameters: Mapping[str, object]
) -> Plan:
    """Return how a statement is run once a connection has run it often."""
    for _ in range(OFTEN):
        await connection.execute(statement, parameters, prepare=True)
    order = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    sent = re.sub(r"%\((\w+)\)s", lambda found: f"${order.index(found[1]) + 1}", statement)
    cursor = await connection.execute("SELECT name FROM pg_prepared_statements WHERE statement = %s", (sent,))
    (name,) = await cursor.fetchone() or ("nothing",)
    values = sql.SQL(", ").join(sql.Literal(parameters[name]) for name in order)
    execute = sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE {}").format(sql.Identifier(name))
    return await plan_of(await connection.execute(execute + sql.SQL(" ({})").format(values) if order else execute))


async def plan_of(cursor: Any) -> Plan:  # noqa: ANN401 - whatever rows it has
    """Return the plan that a cursor has in its only row."""
    (answer,) = await cursor.fetchone()
    return Plan(answer[0]["Plan"])
