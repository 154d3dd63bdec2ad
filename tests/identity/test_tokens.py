"""Tokens are taken only whole, ours and in time; passwords take the same time whoever asks."""

import asyncio
import base64
import os
import statistics
import threading
import time
from typing import Any

import jwt
import pytest

from errors import Unauthenticated, Unavailable
from identity.passwords import HASHER, NICENESS, NOBODYS_HASH, Passwords, needs_rehash
from identity.tokens import Actor, Keys, compute_key_id, make_token, read_authorization, read_bearer, read_token
from runtime.shared_slots import make_shared_slots

OLD, NEW, FOREIGN = b"o" * 64, b"n" * 64, b"f" * 64
KEYS = Keys((NEW, OLD), 60)
ADA = Actor(7262193846145024)


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    whole = {
        "iss": "matinee",
        "aud": "matinee",
        "sub": f"usr_{ADA.user_id}",
        "iat": now,
        "exp": now + 60,
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def signed(secret: bytes = NEW, algorithm: str = "HS256", **changes: object) -> str:
    return jwt.encode(claims(**changes), secret, algorithm, headers={"kid": compute_key_id(secret)})


def test_token_has_its_user_and_key_id() -> None:
    token = make_token(ADA, keys=KEYS)

    assert read_token(token, keys=KEYS) == ADA
    assert jwt.get_unverified_header(token) == {
        "alg": "HS256",
        "kid": compute_key_id(NEW),
        "typ": "JWT",
    }
    told = jwt.decode(token, options={"verify_signature": False})
    assert told["sub"] == f"usr_{ADA.user_id}"
    assert told["exp"] - told["iat"] == 60


def test_two_tokens_of_one_second_differ() -> None:
    assert len({make_token(ADA, keys=KEYS) for _ in range(9)}) == 9


def test_older_secret_still_verifies() -> None:
    assert read_token(make_token(ADA, keys=Keys((OLD,), 60)), keys=KEYS) == ADA


def test_token_without_key_id_is_verified_with_every_secret() -> None:
    assert read_token(jwt.encode(claims(), OLD, "HS256"), keys=KEYS) == ADA


@pytest.mark.parametrize(
    "token",
    [
        signed(FOREIGN),
        jwt.encode(claims(), FOREIGN, "HS256", headers={"kid": compute_key_id(NEW)}),
        signed(algorithm="HS512"),
        jwt.encode(claims(), "", "none", headers={"kid": compute_key_id(NEW)}),
        signed(iss="elsewhere"),
        signed(aud="elsewhere"),
        signed(sub="mov_1"),
        signed(sub="usr_007"),
        signed(sub=f"usr_{2**63}"),
        signed(exp=int(time.time()) - 1),
        signed(exp=int(time.time()) - 3600),
        signed(iat=int(time.time()) + 3600),
        signed(exp="soon"),
        signed(iss=None),
        signed(aud=None),
        signed(sub=None),
        signed(iat=None),
        signed(exp=None),
        signed()[:-4],
        signed() + "A",
        "",
        "a.b.c",
        "not a token",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.x",
    ],
)
def test_refuses_token_that_was_not_made_here(token: str) -> None:
    with pytest.raises(Unauthenticated):
        read_token(token, keys=KEYS)


def test_expiry_in_quotes_is_read_as_number() -> None:
    now = int(time.time())
    assert read_token(signed(exp=str(now + 60)), keys=KEYS).expires == now + 60


def test_cached_token_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token = make_token(ADA, keys=KEYS)
    assert read_token(token, keys=KEYS) == ADA
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)

    with pytest.raises(Unauthenticated, match="expired"):
        read_token(token, keys=KEYS)


def test_refuses_token_of_withdrawn_secret() -> None:
    token = make_token(ADA, keys=KEYS)
    assert read_token(token, keys=KEYS) == ADA

    with pytest.raises(Unauthenticated):
        read_token(token, keys=Keys((OLD,), 60))


def test_accepts_token_of_clock_that_is_slightly_ahead() -> None:
    assert read_token(signed(iat=int(time.time()) + 3), keys=KEYS) == ADA


def test_request_without_header_is_anonymous() -> None:
    assert read_authorization(None, keys=KEYS) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_scheme_of_authorization_ignores_case(scheme: str) -> None:
    assert read_authorization(f"{scheme} {make_token(ADA, keys=KEYS)}", keys=KEYS) == ADA


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic YTpi", "tokenonly"])
def test_refuses_header_without_bearer_token(value: str) -> None:
    with pytest.raises(Unauthenticated):
        read_authorization(value, keys=KEYS)


def test_request_has_its_actor_for_access_log() -> None:
    bearer = f"Bearer {make_token(ADA, keys=KEYS)}".encode()
    scope: dict[str, Any] = {"headers": [(b"authorization", bearer)]}

    assert read_bearer(scope, keys=KEYS) == ADA
    assert scope["actor"] == ADA


def test_refuses_two_tokens_in_one_request() -> None:
    bearer = (b"authorization", f"Bearer {make_token(ADA, keys=KEYS)}".encode())

    with pytest.raises(Unauthenticated):
        read_bearer({"headers": [bearer, bearer]}, keys=KEYS)


def test_repr_of_keys_never_shows_secrets() -> None:
    assert "nnnn" not in repr(KEYS)


async def test_only_right_password_matches() -> None:
    passwords = Passwords()
    kept = await passwords.hash("correct horse \ud800 é")

    assert kept.startswith("$argon2id$v=19$m=7168,t=5,p=1$")
    assert await passwords.verify(kept, "correct horse \ud800 é")
    assert not await passwords.verify(kept, "correct horse")
    assert not await passwords.verify(None, "correct horse")


def test_hash_of_other_costs_is_renewed() -> None:
    cheap = HASHER.hash("x").replace("m=7168", "m=8192")

    assert needs_rehash(cheap)
    assert not needs_rehash(HASHER.hash("x"))
    # Else an unknown account would take another time than a known one.
    assert not needs_rehash(NOBODYS_HASH)


async def test_unknown_account_takes_as_long_as_wrong_password() -> None:
    passwords = Passwords()
    kept = await passwords.hash("correct horse")

    async def cpu_seconds(hash_: str | None) -> float:
        # CPU time: what else this machine does at the moment is left out.
        started = time.process_time()
        await passwords.verify(hash_, "wrong")
        return time.process_time() - started

    known = statistics.median([await cpu_seconds(kept) for _ in range(7)])
    unknown = statistics.median([await cpu_seconds(None) for _ in range(7)])

    assert 0.6 < known / unknown < 1.6


async def test_hashing_does_not_block_event_loop() -> None:
    passwords = Passwords()
    hashing = asyncio.gather(*(passwords.hash("x") for _ in range(4)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns >= 5


async def test_refuses_sign_ins_above_bound_of_queue() -> None:
    passwords = Passwords(threads=1, waiting=1)
    outcomes = await asyncio.gather(*(passwords.verify(None, "x") for _ in range(5)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [bool, bool] + [Unavailable] * 3
    assert not await passwords.verify(None, "x"), "there is room again"


async def test_hashes_with_less_priority_than_requests() -> None:
    # Threads of other tests may not have ended yet.
    others = set(threading.enumerate())
    passwords = Passwords(threads=1)
    await passwords.verify(None, "x")

    (hashing,) = (thread for thread in set(threading.enumerate()) - others if thread.name.startswith("argon2"))
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert os.getpriority(os.PRIO_PROCESS, hashing.native_id or 0) == max(NICENESS, own)
    passwords.close()


async def test_hashes_of_all_workers_wait_for_the_slots_of_the_machine() -> None:
    with make_shared_slots("hashes", count=1) as slots:
        workers = [Passwords(threads=2, slots=slots) for _ in range(2)]
        with slots.hold():
            waiting = asyncio.gather(*(worker.verify(None, "x") for worker in workers for _ in range(2)))
            # Long enough for each of them on its own.
            done, _ = await asyncio.wait([waiting], timeout=0.3)
            assert not done
        assert await waiting == [False] * 4
    for worker in workers:
        worker.close()
