"""What open subscriptions cost a worker: its memory with and without them, and how soon all of them hear of a change.

    python -m benchmarks.subscriptions [--subscribers 1000] [--sessions 100] [--changes 20]

It starts a server of one worker with the demo data in a folder of its own, opens one WebSocket a subscriber, each with a
subscription to one of so many sessions, and reads the worker's resident memory before and after (Linux only). Then seats
of one session are reserved again and again, and the time until the last of its subscribers has heard is taken.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.server import Server, make_folder, resident, serving

# More than the worker had before.
MOST_BYTES: Final = 150 * 1000 * 1000
AT_ONCE: Final = 20
# All of them come from one address.
UNBOUNDED: Final = {"MATINEE_LIMIT_WEBSOCKETS": "100000", "MATINEE_LIMIT_CONNECTIONS": "100000"}
PROTOCOL: Final = Subprotocol("graphql-transport-ws")
FOLLOW: Final = """
    subscription ($id: ID!) { sessionChanged(id: $id) { id startsAt seatsAvailable movie { title } place { name } } }
"""
SESSIONS: Final = """
    { movies(sort: NEW, first: 100) { nodes { sessions(first: 10) { nodes { id seatsAvailable startsAt } } } } }
"""
SIGN_UP: Final = """
    mutation { signUp(input: {identity: {email: "bench@example.org"}, password: "correct horse battery"}) { token } }
"""


async def ask(client: httpx.AsyncClient, document: str) -> Any:  # noqa: ANN401 - JSON
    """Return the data of an answer."""
    answer = (await client.post("/graphql", json={"query": document})).json()
    if "errors" in answer:
        raise SystemExit(str(answer["errors"]))
    return answer["data"]


async def subscriber(address: str, session: str) -> ClientConnection:
    """Return a WebSocket that has heard how the session is."""
    opened = await connect(
        f"ws{address.removeprefix('http')}/graphql", subprotocols=[PROTOCOL], compression=None, open_timeout=60
    )
    await opened.send('{"type": "connection_init"}')
    await opened.recv()
    payload = {"query": FOLLOW, "variables": {"id": session}}
    await opened.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
    first = json.loads(await opened.recv())
    if first["type"] != "next":
        raise SystemExit(str(first))
    return opened


async def measure(server: Server, *, subscribers: int, sessions: int, changes: int) -> bool:
    """Print what was measured; return whether it is within bounds."""
    pid, address = server.pid, server.address
    async with httpx.AsyncClient(base_url=address, timeout=60) as client, AsyncExitStack() as stack:
        data = await ask(client, SESSIONS)
        found = [each for movie in data["movies"]["nodes"] for each in movie["sessions"]["nodes"]]
        ids = [each["id"] for each in found if each["seatsAvailable"] > changes][:sessions]
        token = (await ask(client, SIGN_UP))["signUp"]["token"]
        await (await subscriber(address, ids[0])).close()
        await asyncio.sleep(2)
        before = resident(pid)
        opened: list[ClientConnection] = []
        started = time.perf_counter()
        for start in range(0, subscribers, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, subscribers))
            opened += await asyncio.gather(*(subscriber(address, ids[number % len(ids)]) for number in numbers))
        for each in opened:
            stack.push_async_callback(each.close)
        seconds = time.perf_counter() - started
        await asyncio.sleep(5)
        after = resident(pid)
        print(f"{subscribers} subscriptions of {len(ids)} sessions, opened in {seconds:.1f} s")
        print(
            f"memory: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB with them, {(after - before) / 1e6:.1f} MB more"
        )
        client.headers["Authorization"] = f"Bearer {token}"
        await changed(client, opened[:: len(ids)], session=ids[0], changes=changes)
        print(f"memory after {changes} changes: {resident(pid) / 1e6:.1f} MB")
        return resident(pid) - before < MOST_BYTES


async def changed(client: httpx.AsyncClient, heard: list[ClientConnection], *, session: str, changes: int) -> None:
    """Print how long it takes until the last one has heard of a change."""
    booking = (await client.post(f"/v1/sessions/{session}/book")).json()["booking"]["id"]
    took = []
    for seats in range(1, changes + 1):
        started = time.perf_counter()
        (await client.post(f"/v1/bookings/{booking}/reserve", json={"seats": seats})).raise_for_status()
        await asyncio.gather(*(each.recv() for each in heard))
        took.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.3)
    print(
        f"{changes} changes, until the last of {len(heard)} has heard: median {statistics.median(took):.0f} ms, "
        f"most {max(took):.0f} ms"
    )


def main() -> None:
    """Measure; end with status 1 where it is too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--changes", type=int, default=20)
    given = parser.parse_args()
    with make_folder() as folder, serving(folder, MATINEE_HOLD_SECONDS="3600", **UNBOUNDED) as server:
        sane = asyncio.run(
            measure(server, subscribers=given.subscribers, sessions=given.sessions, changes=given.changes)
        )
    sys.exit(0 if sane else 1)


if __name__ == "__main__":
    main()
