"""The HTTP client for all third parties: bounds time, connections and bytes, retries, and never logs a secret."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeVar

import httpx
import orjson
import structlog
from purgatory import AsyncCircuitBreakerFactory, ContextChanged
from purgatory.domain.model import CLOSED, HALF_OPENED, OPENED, OpenedState

from errors import UpstreamUnavailable
from upstreams import faults
from upstreams.attempts import Attempts
from upstreams.faults import Fault
from upstreams.metrics import UpstreamMetrics

T = TypeVar("T")

# No compression: a small compressed answer could grow past every limit.
HEADERS: Final = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "matinee"}
KEPT_ALIVE_SECONDS: Final = 5.0
# Details are fetched by the hundred: hedging each of them against a slow third party would double its load.
PATIENCE_WITH_PARTS: Final = 1.0

log = structlog.get_logger("matinee.upstreams")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one third party, in seconds where nothing else is said."""

    # Of a whole call, including all attempts and the wait for a free connection.
    deadline: float = 2.8
    connect: float = 1.0
    # When another attempt starts beside one that has not answered.
    patience: float = 0.3
    attempts: int = 10
    # Requests under way at once, from this process.
    at_once: int = 128
    body_bytes: int = 1024 * 1024
    # The breaker opens after so many failed calls in a row, for `rest` seconds.
    failures: int = 5
    rest: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a third party: status 2xx, or 4xx that refuses the request itself."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:  # noqa: ANN401 - whatever a stranger wrote
        """Return the body's JSON; raise ValueError where it is none."""
        return orjson.loads(self.body)


class State(StrEnum):
    """The state of a third party, as seen by this process."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(slots=True)
class Health:
    """Outcome of the latest calls; `last_error` is in our own words."""

    state: State = State.UP
    last_success_at: datetime | None = None
    last_error: str | None = None


@cache
def load_certificates() -> ssl.SSLContext:
    """Return the trusted certificates, read once, for reading them takes longer than many a call."""
    return httpx.create_ssl_context(trust_env=False)


def choose_certificates(address: str | None) -> ssl.SSLContext:
    """Return the certificates to trust in calls to this address: none where it is not https, so that no start reads them in vain."""
    is_secure = address is not None and address.lower().startswith("https:")
    return load_certificates() if is_secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Upstream:
    """One third party. Every call raises UpstreamUnavailable within the deadline where there is no answer."""

    def __init__(
        self,
        name: str,
        *,
        address: str | None,
        limits: Limits,
        metrics: UpstreamMetrics,
        basic: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Use these credentials, `basic` or in `headers`, in requests; they go nowhere else. All calls are below `address`."""
        self.name = name
        self.health = Health()
        self._limits = limits
        self._metrics = metrics
        self._room = asyncio.Semaphore(limits.at_once)
        self._silent_until = 0.0
        self._probing = False
        self._breakers = AsyncCircuitBreakerFactory(default_threshold=limits.failures, default_ttl=limits.rest)
        self._breakers.add_listener(self._on_breaker)
        self._metrics.set_breaker(name, is_open=False)
        pool = httpx.Limits(max_connections=limits.at_once, keepalive_expiry=KEPT_ALIVE_SECONDS)
        self._client = httpx.AsyncClient(
            auth=basic,
            headers={**HEADERS, **(headers or {})},
            limits=pool,
            verify=choose_certificates(address),
            timeout=httpx.Timeout(limits.deadline, connect=limits.connect),
            # Proxies of the environment and .netrc are ignored: config/settings.py is the only reader of the environment.
            trust_env=False,
        )

    async def get(
        self,
        url: str,
        *,
        read: Callable[[Answer], T],
        params: Mapping[str, str] | None = None,
        attempts: int | None = None,
    ) -> T:
        """Return what `read` makes of the first good answer; an answer for which it raises ValueError is a fault.

        `attempts` lowers the number of attempts, for a caller who can do without the answer.
        """
        request = self._client.build_request("GET", url, params=params)
        most = min(attempts or self._limits.attempts, self._limits.attempts)
        return await self._call(request, read, patience=self._limits.patience, most=most)

    async def get_part(self, url: str, *, read: Callable[[Answer], T], attempts: int) -> T:
        """Return what `read` makes of an answer that only completes another one.

        A failure here says nothing about the third party as a whole: it does not change breaker and health.
        """
        request, limits = self._client.build_request("GET", url), self._limits
        call: Attempts[T] = Attempts(
            lambda: self._send(request, read), patience=PATIENCE_WITH_PARTS, most=attempts, deadline=limits.deadline
        )
        try:
            return await call.answer()
        except (Fault, TimeoutError):
            raise UpstreamUnavailable from None

    async def post(self, url: str, *, read: Callable[[Answer], T], json: object) -> T:
        """Return what `read` makes of the answer. A POST is sent again only where it cannot have arrived."""
        request = self._client.build_request("POST", url, json=json)
        return await self._call(request, read, patience=None, most=self._limits.attempts)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(
        self, request: httpx.Request, read: Callable[[Answer], T], *, patience: float | None, most: int
    ) -> T:
        started = time.monotonic()
        outcome = "failed"
        try:
            answer = await self._run_guarded(request, read, patience=patience, most=most)
            outcome = "ok"
            return answer
        except BreakerOpenError:
            outcome = "refused"
            raise UpstreamUnavailable from None
        except (Fault, TimeoutError) as error:
            reason = error.reason if isinstance(error, Fault) else "no answer in time"
            self.health.last_error = reason
            log.warning("upstream failed", upstream=self.name, reason=reason)
            raise UpstreamUnavailable from None
        finally:
            self._metrics.count_call(self.name, outcome=outcome, seconds=time.monotonic() - started)

    async def _run_guarded(
        self, request: httpx.Request, read: Callable[[Answer], T], *, patience: float | None, most: int
    ) -> T:
        """Run a call through the circuit breaker, which counts calls and not attempts."""
        breaker = await self._breakers.get_breaker(self.name)
        if self._probing or self._seconds_of_silence() > self._limits.deadline:
            raise BreakerOpenError
        try:
            async with breaker:
                # After its rest one call probes the third party; the others are refused until it has ended.
                self._probing = probing = breaker.context.state == HALF_OPENED
                try:
                    return await self._run_attempts(request, read, patience=patience, most=most)
                finally:
                    if probing:
                        self._probing = False
        except OpenedState:
            raise BreakerOpenError from None

    async def _run_attempts(
        self, request: httpx.Request, read: Callable[[Answer], T], *, patience: float | None, most: int
    ) -> T:
        deadline = self._limits.deadline
        attempts = Attempts(lambda: self._send(request, read), patience=patience, most=most, deadline=deadline)
        try:
            answer = await attempts.answer()
        except (Fault, TimeoutError):
            self.health.state = State.DEGRADED
            raise
        self.health.state = State.UP
        self.health.last_success_at = datetime.now(UTC)
        return answer

    async def _send(self, request: httpx.Request, read: Callable[[Answer], T]) -> T:
        async with self._room:
            await asyncio.sleep(self._seconds_of_silence())
            outcome = "failed"
            try:
                answer = await self._exchange(request)
                made = read(answer)
                outcome = "ok"
                return made
            except asyncio.CancelledError:
                outcome = "overtaken"
                raise
            except ValueError:
                raise Fault("an answer that cannot be read") from None
            except Fault as fault:
                self._silent_until = max(self._silent_until, time.monotonic() + fault.retry_after)
                raise
            finally:
                self._metrics.count_attempt(self.name, outcome=outcome)

    async def _exchange(self, request: httpx.Request) -> Answer:
        try:
            response = await self._client.send(request, stream=True)
            try:
                fault = faults.translate_status(response.status_code, response.headers)
                if fault:
                    raise fault
                return Answer(response.status_code, await self._read_body(response))
            finally:
                await response.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise faults.translate_error(error) from None

    async def _read_body(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Fault("an answer that cannot be read")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._limits.body_bytes:
                raise Fault("an answer that is too long", passing=False)
        return bytes(body)

    def _seconds_of_silence(self) -> float:
        """Return the seconds left of the latest `Retry-After`."""
        return max(0.0, self._silent_until - time.monotonic())

    def _on_breaker(self, _name: str, _kind: str, event: object) -> None:
        if not isinstance(event, ContextChanged):
            return
        self._metrics.set_breaker(self.name, is_open=event.state == OPENED)
        if event.state == OPENED:
            self.health.state = State.DOWN
            log.warning("circuit breaker opened", upstream=self.name, seconds=self._limits.rest)
        if event.state == CLOSED:
            log.info("circuit breaker closed", upstream=self.name)


class BreakerOpenError(Exception):
    """The circuit breaker is open: no request is sent."""
