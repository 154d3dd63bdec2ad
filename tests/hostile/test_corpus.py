"""Some thousands of hostile requests against a whole server in production mode: each refused or answered, in time, in shape."""

import os
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import pytest

from tests.cli.test_main import ROOT, Server
from tests.hostile.corpus import Hostile, bodies, single, tokens, values
from tests.support.http_wire import Answer, exchange
from tests.support.stage import adas

# Of the processor: how long an answer takes depends on what else the machine does. An answer that waits for more than
# 10 s is none (tests/support/http_wire.py).
MOST_CPU_SECONDS: Final = 2.0
CORPUS: Final = [
    *((hostile.name, [hostile]) for name in ("graphql", "others", "http") for hostile in single(name)),
    *bodies(),
    *tokens(),
    *values(),
]
# Of our insides, of libraries, of the database and of the machine.
LEAKS: Final = re.compile(
    rb"Traceback|psycopg|pydantic|strawberry|graphql-core|starlette|uvicorn|sqlalchemy|orjson|File \\?\"|\.py\b"
    rb"|site-packages|SELECT |INSERT INTO|pg_|duplicate key|violates|relation \\?\"|errors\.pydantic"
    rb"|root:x:0|password_hash|argon2|Did you mean|<class|object at 0x|<!doctype|<html|" + re.escape(os.fsencode(ROOT)),
    re.IGNORECASE,
)
PLAIN: Final = b"GET /v1/movies HTTP/1.1\r\nHost: cinema.test\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module", autouse=True)
def unharmed(stage: tuple[Server, dict[str, str]]) -> Iterator[None]:
    """After all of it the server is as fast as before, and what is Ada's is as it was."""
    server, known = stage
    before, hers = _median_seconds(server.address), adas(known)
    yield
    # Generous, for the machine may have more to do now than then.
    assert _median_seconds(server.address) < 5 * before + 0.05
    assert adas(known) == hers
    assert server.process.poll() is None


def _median_seconds(address: str) -> float:
    return statistics.median(exchange(address, PLAIN).seconds for _ in range(30))


def test_corpus_has_expected_size() -> None:
    names = [hostile.name for _, group in CORPUS for hostile in group]
    assert len(names) >= 6000
    assert len(set(names)) == len(names)


# The values of one place, or the bodies and tokens at one door, are one test.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("group", [group for _, group in CORPUS], ids=[name for name, _ in CORPUS])
def test_hostile_request_is_answered_in_time_with_valid_body(
    stage: tuple[Server, dict[str, str]], group: list[Hostile]
) -> None:
    faults = [f"{hostile.name}: {fault}" for hostile in group if (fault := find_fault(hostile, *stage))]
    if faults:
        pytest.fail("\n".join(faults))


def find_fault(hostile: Hostile, server: Server, known: dict[str, str]) -> str | None:
    """Return what is wrong with the answer to a request, None where nothing is."""
    try:
        check_answer(hostile, server, known)
    except AssertionError as error:
        return str(error) or repr(error)
    return None


def check_answer(hostile: Hostile, server: Server, known: dict[str, str]) -> None:
    """Send a request, and assert that its answer comes in time and is valid."""
    request = hostile.spelled(known)
    before = cpu_seconds(server.process.pid)
    answer = exchange(server.address, request)

    assert 200 <= answer.status < 500, answer.body[:500]
    assert not hostile.statuses or answer.status in hostile.statuses, (answer.status, answer.body[:500])
    assert cpu_seconds(server.process.pid) - before < MOST_CPU_SECONDS
    assert answer.more == b""
    check_shape(hostile, answer, head=request.startswith(b"HEAD "))
    check_words(hostile, answer, request, known)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # utime and stime of proc(5), counted from the third field.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_shape(hostile: Hostile, answer: Answer, *, head: bool) -> None:
    """Assert that the answer is JSON of the surface's own shape, or nothing where nothing is to be said."""
    kind = answer.headers.get("content-type", "")
    if hostile.told.get("shape") == "any" or head:
        return
    if answer.status == 204:
        assert answer.body == b""
        return
    path = hostile.path().removeprefix("http://admin:admin@cinema.test")
    if answer.status == 200 and not kind.startswith("application/"):
        assert path.startswith(("/assets/", "/posters/", "/v1/exports/"))
        return
    assert kind.startswith(("application/json", "application/graphql-response+json")), kind
    if answer.status in (405, 401, 503):
        assert {405: "allow", 401: "www-authenticate", 503: "retry-after"}[answer.status] in answer.headers
    if path.startswith("/graphql"):
        check_graphql(answer.json, answer.status)
    elif answer.status >= 400:
        check_refusal(path, answer.json)


def check_graphql(body: dict[str, Any], status: int) -> None:
    """Assert that an answer is one of GraphQL: data, or errors with a code each, and no data where nothing ran."""
    assert body.keys() <= {"data", "errors", "extensions"}
    for error in body.get("errors", ()):
        # What is no HTTP has no surface yet: its code stands where REST has it.
        assert error["message"]
        assert error.get("extensions", error)["code"]
    assert (status == 200) == ("data" in body)
    assert "data" in body or body["errors"]


def check_refusal(path: str, body: dict[str, Any]) -> None:
    """Assert that a refusal has the shape of the surface at this path, or the house's where it was not HTTP at all."""
    surface = path.lstrip("/").partition("/")[0]
    if list(body) == ["errors"] and all(error.keys() == {"code", "message"} for error in body["errors"]):
        assert body["errors"]
    elif surface == "api":
        assert body.keys() == {"success", "message"}
        assert body["success"] is False
    else:
        assert surface in ("events", "reservations"), body
        assert list(body) in (["message"], ["error"]) or all(
            isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in body.values()
        )


def check_words(hostile: Hostile, answer: Answer, request: bytes, known: dict[str, str]) -> None:
    """Assert that the answer says what it must, and nothing that is nobody's business."""
    told = hostile.told
    # What comes back of what was sent is no leak.
    sent = unquote_to_bytes(request).lower()
    leaked = {found for found in LEAKS.findall(answer.body) if found.lower() not in sent}
    assert not leaked, answer.body[:2000]
    assert "server" not in answer.headers
    assert told.get("header_never", "server") not in answer.headers
    text = answer.body.decode()
    for name in ("says", "code"):
        if name in told:
            assert _filled(told[name], known) in text
    if "never" in told:
        assert _filled(told["never"], known) not in text


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\{\{([a-z0-9_.]+)\}\}", lambda found: known[found[1]], text)
