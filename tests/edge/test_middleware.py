"""What every request passes through, tried on an app of a few routes."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx
import psycopg
import pytest
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send
from structlog.typing import EventDict

from edge.middleware import BODY_BYTES, Edge
from errors import InvalidInput, MissingField, MovieNotFound, Refusal, Refusals, Unavailable
from identity.tokens import Actor
from rest.error_format import render_faults, render_http_exception, render_refusal, render_unavailable
from runtime.connection_limits import ConnectionCounter
from runtime.metrics import Metrics
from runtime.request_count import RequestSlots, make_private_counter

SHARED: Final = Response("the same object every time")
HANDLERS: Final = {
    HTTPException: render_http_exception,
    Refusal: render_refusal,
    Refusals: render_refusal,
    psycopg.OperationalError: render_unavailable,
}


async def echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"size": len(body), "id": request.scope["request_id"]})


async def whoami(request: Request) -> Response:
    request.scope["actor"] = Actor(7)
    return Response()


async def fail(request: Request) -> Response:
    raise {
        "bug": KeyError("hunter2"),
        "pool": Unavailable(),
        "database": psycopg.OperationalError("no route to host db1"),
        "missing": MovieNotFound(),
        "two": Refusals([MissingField(field="email"), InvalidInput(field="age", problem="is odd")]),
        "gone": ClientDisconnect(),
        "teapot": HTTPException(418, "<h1>teapot</h1>"),
    }[request.path_params["how"]]


class Halfway:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response("half", headers={"Content-Length": "8"})(scope, receive, send)
        raise KeyError("hunter2")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def app(metrics: Metrics) -> Starlette:
    app = Starlette(
        routes=[
            Route("/echo", echo, methods=["POST"]),
            Route("/echo", echo, methods=["PUT", "DELETE"]),
            Route("/movies/{id}", whoami),
            Route("/shared", lambda _: SHARED),
            Route("/fail/{how}", fail),
            Route("/halfway", Halfway()),
        ],
    )
    app.router.redirect_slashes = False
    app.middleware_stack = Edge(
        ExceptionMiddleware(app.router, handlers=HANDLERS),
        request_counter=make_private_counter(),
        metrics=metrics,
        render=render_faults,
        slots=RequestSlots(100),
        websockets=ConnectionCounter(1),
    )
    return app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as captured:
        yield captured


def errors_of(response: httpx.Response) -> list[str]:
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"errors"}
    assert all(set(error) == {"code", "message"} for error in response.json()["errors"])
    return [error["code"] for error in response.json()["errors"]]


async def messages_of(app: Starlette, path: str) -> list[Message]:
    """Return what the app sends, for cases in which no client would get an answer."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent


async def test_a_sane_request_id_comes_back(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo", headers={"X-Request-Id": "build-7_b.2"})

    assert response.headers["x-request-id"] == "build-7_b.2"
    assert response.json()["id"] == "build-7_b.2"


@pytest.mark.parametrize("given", ["", "a b", 'x"y', "a" * 129, "é", "a\tb"])
async def test_a_strange_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.post("/echo", headers={b"X-Request-Id": given.encode()})

    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 24


async def test_every_request_has_an_id_of_its_own(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/shared") for _ in range(2)]

    assert answers[0].headers["x-request-id"] != answers[1].headers["x-request-id"]
    assert len(answers[1].headers.get_list("x-request-id")) == 1


async def test_a_request_is_one_line_without_its_query(client: httpx.AsyncClient, lines: list[EventDict]) -> None:
    await client.get(
        "/movies/mov_1?token=hunter2",
        headers={"X-Request-Id": "r1", "Authorization": "Bearer hunter2"},
    )

    (line,) = lines
    assert isinstance(line.pop("ms"), float)
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/movies/mov_1",
        "status": 200,
        "request_id": "r1",
        "user": "usr_7",
    }


async def test_requests_are_counted_by_the_template_of_their_path(client: httpx.AsyncClient, metrics: Metrics) -> None:
    for path in ("/movies/mov_1", "/movies/mov_2/", "/nothing/here", "/nothing/there"):
        await client.get(path)
    await client.post("/movies/mov_1")
    text = metrics.text().decode()

    requests = 'matinee_http_requests_total{method="GET",route='
    assert f'{requests}"/movies/{{id}}",status="200"}} 2.0' in text
    assert f'{requests}"unmatched",status="404"}} 2.0' in text
    assert 'method="POST",route="/movies/{id}",status="405"} 1.0' in text
    assert 'matinee_http_request_seconds_count{method="GET",route="/movies/{id}"} 2.0' in text
    assert "mov_1" not in text


async def test_a_trailing_slash_is_no_redirect(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/", content=b"abc")

    assert response.status_code == 200
    assert response.json()["size"] == 3


async def test_a_body_of_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo", content=bytes(BODY_BYTES))

    assert response.json()["size"] == BODY_BYTES


async def test_a_body_that_announces_too_much_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo", content=bytes(BODY_BYTES + 1))

    assert response.status_code == 413
    assert errors_of(response) == ["payload_too_large"]


@pytest.mark.parametrize("zeros", [20, 5000])
async def test_refuses_too_large_body_whose_length_begins_with_zeros(client: httpx.AsyncClient, zeros: int) -> None:
    headers = {"Content-Length": "0" * zeros + str(BODY_BYTES + 1)}
    response = await client.post("/echo", content=bytes(BODY_BYTES + 1), headers=headers)

    assert response.status_code == 413
    assert errors_of(response) == ["payload_too_large"]


async def test_a_body_that_becomes_too_much_is_refused(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield bytes(65536)

    response = await client.post("/echo", content=endless())

    assert response.status_code == 413
    assert errors_of(response) == ["payload_too_large"]
    assert sent <= BODY_BYTES + 2 * 65536


@pytest.mark.parametrize("coding", ["gzip", "identity, br", "GZIP"])
async def test_a_compressed_body_is_refused(client: httpx.AsyncClient, coding: str) -> None:
    response = await client.post("/echo", content=b"x", headers={"Content-Encoding": coding})

    assert response.status_code == 415
    assert errors_of(response) == ["unsupported_media_type"]


async def test_an_identity_coding_is_no_compression(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo", content=b"x", headers={"Content-Encoding": "Identity"})

    assert response.status_code == 200


async def test_an_unknown_address_is_json(client: httpx.AsyncClient) -> None:
    response = await client.get("/nothing%00here")

    assert response.status_code == 404
    assert errors_of(response) == ["route_not_found"]


async def test_a_wrong_method_names_those_of_all_routes_there(client: httpx.AsyncClient) -> None:
    response = await client.get("/echo")

    assert response.status_code == 405
    assert errors_of(response) == ["method_not_allowed"]
    assert response.headers["allow"] == "DELETE, POST, PUT"


async def test_a_bug_tells_a_reference_and_nothing_else(client: httpx.AsyncClient, lines: list[EventDict]) -> None:
    response = await client.get("/fail/bug", headers={"X-Request-Id": "r9"})

    assert response.status_code == 500
    assert errors_of(response) == ["internal"]
    assert "r9" in response.json()["errors"][0]["message"]
    assert "hunter2" not in response.text
    assert response.headers["x-request-id"] == "r9"
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("unexpected error", "error"),
        ("request", "info"),
    ]
    assert lines[0]["exc_info"]
    assert lines[0]["request_id"] == "r9"


async def test_a_bug_after_the_answer_began_is_only_logged(app: Starlette, lines: list[EventDict]) -> None:
    sent = await messages_of(app, "/halfway")

    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert lines[0]["event"] == "unexpected error"
    assert lines[1]["status"] == 200


async def test_log_has_status_of_refusal_as_number(client: httpx.AsyncClient, lines: list[EventDict]) -> None:
    # Refusals carry an HTTPStatus, which a terminal would show as `<HTTPStatus.NOT_FOUND: 404>`.
    await client.get("/fail/missing")

    assert repr(lines[-1]["status"]) == "404"


@pytest.mark.parametrize("how", ["pool", "database"])
async def test_an_unreachable_database_says_when_to_try_again(client: httpx.AsyncClient, how: str) -> None:
    response = await client.get(f"/fail/{how}")

    assert response.status_code == 503
    assert errors_of(response) == ["unavailable"]
    assert response.headers["retry-after"] == "1"
    assert "db1" not in response.text


async def test_a_refusal_has_the_status_of_its_kind(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail/missing")

    assert response.status_code == 404
    assert errors_of(response) == ["movie_not_found"]


async def test_all_faults_are_told_at_once(client: httpx.AsyncClient) -> None:
    response = await client.get("/fail/two")

    assert response.status_code == 422
    assert errors_of(response) == ["missing_field", "invalid_input"]


async def test_other_http_exceptions_keep_their_status_and_are_json(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/fail/teapot")

    assert response.status_code == 418
    assert errors_of(response) == ["invalid_input"]
    assert "<" not in response.text


async def test_a_caller_who_hangs_up_is_no_error(app: Starlette, lines: list[EventDict]) -> None:
    assert not await messages_of(app, "/fail/gone")
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]


async def test_refuses_more_websockets_than_an_address_may_have(app: Starlette) -> None:
    counter = ConnectionCounter(1)
    assert counter.enter("192.0.2.1")
    edge = Edge(
        app,
        request_counter=make_private_counter(),
        metrics=Metrics(),
        render=render_faults,
        slots=RequestSlots(100),
        websockets=counter,
    )

    async def handshake(address: str) -> Message:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        scope = {"type": "websocket", "path": "/none", "headers": [], "client": (address, 1), "subprotocols": []}
        await edge(scope, receive, send)
        return sent[0]

    assert (await handshake("192.0.2.1"))["status"] == 429
    # There is no WebSocket at this path; but it came as far as that, time and again.
    assert [(await handshake("192.0.2.2"))["type"] for _ in range(3)] == ["websocket.close"] * 3
