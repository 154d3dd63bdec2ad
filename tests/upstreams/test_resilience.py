"""What a third party may do to us: fail, hang, flood, or be gone; and what it may never learn or give away."""

import asyncio
import gzip
import logging
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from errors import UpstreamUnavailable
from runtime.server import listen
from tests.support.lived import lived
from tests.support.third_party import Address, Behaviour, ThirdParty, hanging, saying, slow, third_party, well
from upstreams.metrics import UpstreamMetrics
from upstreams.resilience import Answer, Limits, State, Upstream, choose_certificates

# Nothing is hedged and no breaker ends its rest because the machine was busy: these tests count requests.
LIMITS = Limits(deadline=20, patience=20, rest=1.0)
RESTED_SECONDS = 1.1
# For tests of what happens when an answer does not come.
HASTY = replace(LIMITS, deadline=0.6, patience=0.1)
PASSWORD = "not-to-be-seen"


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with third_party() as running:
        yield running


@pytest.fixture
def party(address: Address) -> ThirdParty:
    return address.taken_by_another()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@asynccontextmanager
async def opened(registry: CollectorRegistry, limits: Limits = LIMITS) -> AsyncIterator[Upstream]:
    upstream = Upstream(
        "party",
        address="http://party.test",
        limits=limits,
        metrics=UpstreamMetrics(registry),
        basic=("user", PASSWORD),
        headers={"x-access-token": PASSWORD},
    )
    yield upstream
    await upstream.close()


@pytest.fixture
async def upstream(registry: CollectorRegistry) -> AsyncIterator[Upstream]:
    async with opened(registry) as made:
        yield made


@pytest.fixture
async def hasty(registry: CollectorRegistry) -> AsyncIterator[Upstream]:
    async with opened(registry, HASTY) as made:
        yield made


def body(answer: Answer) -> object:
    made: object = answer.json()
    return made


def status(answer: Answer) -> int:
    return answer.status


async def refused(upstream: Upstream, url: str) -> float:
    """Return the seconds after which a call is refused."""
    started = time.monotonic()
    with pytest.raises(UpstreamUnavailable):
        await upstream.get(url, read=body)
    return time.monotonic() - started


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with listen("127.0.0.1", 0) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.mark.parametrize("address", ["https://party.test/movies", "HTTPS://party.test"])
def test_https_address_has_trusted_certificates(address: str) -> None:
    found = choose_certificates(address)

    assert found.get_ca_certs()
    assert found.verify_mode is ssl.CERT_REQUIRED
    assert found.check_hostname


@pytest.mark.parametrize("address", [None, "http://party.test/movies"])
def test_other_address_trusts_no_certificate(address: str | None) -> None:
    found = choose_certificates(address)

    assert found.get_ca_certs() == []
    assert found.verify_mode is ssl.CERT_REQUIRED
    assert found.check_hostname


async def test_returns_result_of_reader(upstream: Upstream, party: ThirdParty) -> None:
    assert await upstream.get(party.url, read=body, params={"page": "2"}) == {"fine": True}
    assert party.seen[0].url.query == "page=2"


@pytest.mark.parametrize("code", [404, 400, 422])
async def test_status_4xx_is_answer_and_not_retried(upstream: Upstream, party: ThirdParty, code: int) -> None:
    party.behaviours = [saying(code)]

    assert await upstream.get(party.url, read=status) == code
    assert len(party.seen) == 1


@pytest.mark.parametrize(
    "fault",
    [saying(500), saying(503, b"<html>"), saying(429), saying(200, b"{not json"), saying(408)],
    ids=["500", "503", "429", "no JSON", "408"],
)
async def test_retries_after_temporary_fault(upstream: Upstream, party: ThirdParty, fault: Behaviour) -> None:
    party.behaviours = [fault, fault, well]

    assert await upstream.get(party.url, read=body) == {"fine": True}
    assert len(party.seen) == 3


@pytest.mark.parametrize("code", [401, 403, 302])
async def test_does_not_retry_after_permanent_fault(upstream: Upstream, party: ThirdParty, code: int) -> None:
    party.behaviours = [saying(code, location="/elsewhere"), well]

    await refused(upstream, party.url)

    assert len(party.seen) == 1


async def test_hanging_attempt_is_hedged(registry: CollectorRegistry, party: ThirdParty) -> None:
    party.behaviours = [hanging, hanging, well]
    started = time.monotonic()

    async with opened(registry, replace(LIMITS, patience=0.1)) as upstream:
        assert await upstream.get(party.url, read=body) == {"fine": True}
    assert 0.2 <= time.monotonic() - started < LIMITS.deadline


async def test_slow_answer_is_used(registry: CollectorRegistry, party: ThirdParty) -> None:
    party.behaviours = [slow(0.25), hanging]

    async with opened(registry, replace(LIMITS, patience=0.1)) as upstream:
        assert await upstream.get(party.url, read=body) == {"fine": True}


async def test_call_takes_no_longer_than_deadline(hasty: Upstream, party: ThirdParty) -> None:
    party.behaviours = [hanging]

    # `hanging` lasts far longer.
    assert HASTY.deadline - 0.01 <= await refused(hasty, party.url) < 5


@pytest.mark.alone
async def test_calls_succeed_when_half_of_attempts_fail_or_hang(registry: CollectorRegistry, party: ThirdParty) -> None:
    party.behaviours = [hanging, well, saying(500), well] * 50

    async def answered(upstream: Upstream) -> bool:
        with lived() as spent:
            try:
                await upstream.get(party.url, read=body)
            except UpstreamUnavailable:
                return False
        return spent.seconds < 3

    async with opened(registry, Limits()) as upstream:
        assert all(await asyncio.gather(*(answered(upstream) for _ in range(25))))


async def test_breaker_opens_after_five_failures(upstream: Upstream, dead: str) -> None:
    for _ in range(5):
        await refused(upstream, dead)

    await refused(upstream, dead)
    assert upstream.health.state is State.DOWN
    assert upstream.health.last_error == "no connection"


async def test_calls_that_recover_by_retry_never_open_breaker(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [behaviour for _ in range(12) for behaviour in (saying(500), well)]

    for _ in range(12):
        await upstream.get(party.url, read=body)

    assert upstream.health.state is State.UP


async def test_breaker_closes_once_third_party_recovers(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [saying(401)]
    for _ in range(5):
        await refused(upstream, party.url)
    party.behaviours = [well]
    await refused(upstream, party.url)
    assert len(party.seen) == 5

    await asyncio.sleep(RESTED_SECONDS)

    assert await upstream.get(party.url, read=body) == {"fine": True}
    assert upstream.health.state is State.UP
    assert upstream.health.last_success_at is not None


async def test_one_call_probes_after_breaker_rests(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [saying(401)]
    for _ in range(5):
        await refused(upstream, party.url)
    await asyncio.sleep(RESTED_SECONDS)
    party.seen.clear()

    await asyncio.gather(*(refused(upstream, party.url) for _ in range(20)))

    assert len(party.seen) == 1


async def test_post_that_may_have_arrived_is_not_sent_again(hasty: Upstream, party: ThirdParty) -> None:
    for fault in (saying(500), hanging, saying(200, b"{not json")):
        party.behaviours = [fault, well]
        with pytest.raises(UpstreamUnavailable):
            await hasty.post(party.url, read=body, json={"title": "Alphaville"})

    assert [request.method for request in party.seen] == ["POST"] * 3


async def test_post_that_cannot_have_arrived_is_sent_again(registry: CollectorRegistry, party: ThirdParty) -> None:
    attempts: list[str] = []

    async def gone_at_first(request: httpx.Request) -> None:
        attempts.append(str(request.url))
        if len(attempts) < 3:
            request.url = request.url.copy_with(port=1)
        else:
            request.url = request.url.copy_with(port=int(party.url.rsplit(":", 1)[1].strip("/")))

    async with opened(registry) as upstream:
        upstream._client.event_hooks = {"request": [gone_at_first]}  # noqa: SLF001

        assert await upstream.post(party.url, read=body, json={}) == {"fine": True}
    assert len(attempts) == 3


@pytest.mark.parametrize("spelled", ["seconds", "date"])
async def test_waits_as_long_as_retry_after_says(upstream: Upstream, party: ThirdParty, spelled: str) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    party.behaviours = [saying(503, retry_after="1" if spelled == "seconds" else later), well]
    started = time.monotonic()

    assert await upstream.get(party.url, read=body) == {"fine": True}

    assert time.monotonic() - started >= 0.95
    assert len(party.seen) == 2


async def test_sends_no_request_while_retry_after_exceeds_deadline(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [saying(429, retry_after="3600"), well]

    for _ in range(2):
        assert await refused(upstream, party.url) < LIMITS.deadline
    assert len(party.seen) == 1


@pytest.mark.parametrize(
    "header",
    [
        *("soon", "-5", "nan", "inf", "6_0", "٦٠", "60.0", "+60", "1e9", "Fri, 99 Foo 2026 00:00:00 GMT"),
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 2094 08:49:37 +9999999999999999",
        "Sun, 0_6 Nov 2094 08:49:37 GMT",
    ],
)
async def test_ignores_malformed_retry_after(upstream: Upstream, party: ThirdParty, header: str) -> None:
    party.behaviours = [saying(503, retry_after=header), well]

    assert await upstream.get(party.url, read=body) == {"fine": True}


async def test_refuses_too_long_answer(registry: CollectorRegistry, party: ThirdParty) -> None:
    party.behaviours = [saying(200, b"[" + b"1," * 5000 + b"1]")]

    async with opened(registry, replace(LIMITS, body_bytes=10_000)) as upstream:
        await refused(upstream, party.url)

    assert len(party.seen) == 1


async def test_compressed_answers_are_neither_requested_nor_accepted(upstream: Upstream, party: ThirdParty) -> None:
    party.behaviours = [saying(200, gzip.compress(b"[]"), content_encoding="gzip"), well]

    assert await upstream.get(party.url, read=body) == {"fine": True}
    assert party.seen[0].headers["accept-encoding"] == "identity"


async def test_sends_no_more_concurrent_requests_than_allowed(registry: CollectorRegistry, party: ThirdParty) -> None:
    party.behaviours = [slow(0.05)]

    async with opened(registry, replace(LIMITS, at_once=4)) as upstream:
        await asyncio.gather(*(upstream.get(party.url, read=body) for _ in range(20)))

    assert party.most_under_way == 4


async def test_credentials_are_sent_and_appear_nowhere_else(
    upstream: Upstream, party: ThirdParty, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture, dead: str
) -> None:
    caplog.set_level(logging.DEBUG)
    party.behaviours = [well, saying(302, location="http://evil.test/"), saying(401), saying(500), saying(500)]
    told: list[str] = []

    with capture_logs() as lines:
        await upstream.get(party.url, read=body)
        for url in (party.url, party.url, party.url, dead):
            with pytest.raises(UpstreamUnavailable) as refusal:
                await upstream.get(url, read=body)
            told += [str(refusal.value), repr(refusal.value), str(refusal.value.words)]
            assert refusal.value.__cause__ is None

    assert party.seen[0].headers["authorization"].startswith("Basic ")
    assert party.seen[0].headers["x-access-token"] == PASSWORD
    encoded = party.seen[0].headers["authorization"].split()[1]
    everything = [*told, *map(str, lines), caplog.text, str(upstream.health), generate_latest(registry).decode()]
    assert not [text for text in everything if PASSWORD in text or encoded in text]


async def test_counts_calls_and_attempts_in_metrics(
    upstream: Upstream, party: ThirdParty, registry: CollectorRegistry
) -> None:
    party.behaviours = [saying(500), well]
    await upstream.get(party.url, read=body)
    party.behaviours = [saying(401)]
    for _ in range(6):
        await refused(upstream, party.url)

    text = generate_latest(registry).decode()

    assert 'matinee_upstream_attempts_total{outcome="failed",upstream="party"} 6.0' in text
    assert 'matinee_upstream_attempts_total{outcome="ok",upstream="party"} 1.0' in text
    assert 'matinee_upstream_call_seconds_count{outcome="ok",upstream="party"} 1.0' in text
    assert 'matinee_upstream_call_seconds_count{outcome="failed",upstream="party"} 5.0' in text
    assert 'matinee_upstream_call_seconds_count{outcome="refused",upstream="party"} 1.0' in text
    assert 'matinee_upstream_breaker_open{upstream="party"} 1.0' in text
