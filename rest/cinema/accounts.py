"""Accounts by e-mail address, and the tokens that stand for them."""

from typing import Final

from starlette.responses import Response

from auth import Actor, make_token
from db import ids
from domain import errors, user
from rest.cinema import answers
from rest.cinema.payloads import SignIn, SignUp
from rest.endpoint import Call, Caller, Endpoint, respond

TAG: Final = "Accounts"
# RFC 6749, section 5.1, asks this of every answer with a token in it.
NEVER_KEPT: Final = {"Cache-Control": "no-store"}


async def sign_up(call: Call[SignUp]) -> Response:
    """Answer a new account. Its password is hashed before the transaction, which would wait for it."""
    email = call.asked.email
    password_hash = await call.services.passwords.hash(call.asked.password)
    async with call.services.database.transaction() as tx:
        made = await user.sign_up(tx, email=email, username=None, password_hash=password_hash)
    body: answers.SignedUp = {"user": {"id": ids.encode("usr", made.id), "email": email, "created_at": made.created_at}}
    return respond(body, status=201)


async def sign_in(call: Call[SignIn]) -> Response:
    """Answer a token; an address that is not known is refused as a wrong password is, and takes as long."""
    found = await user.by_name(call.services.database.primary, email=call.asked.email, username=None)
    kept = found.password_hash if found else None
    if not await call.services.passwords.verify(kept, call.asked.password) or found is None:
        raise errors.InvalidCredentials
    body: answers.SignedIn = {"token": make_token(Actor(found.id), keys=call.services.keys)}
    return respond(body, headers=NEVER_KEPT)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/auth/signup",
        answer=sign_up,
        takes=SignUp,
        caller=Caller.ANYBODY,
        answers={201: answers.SignedUp},
        refusals=(errors.InvalidEmail(field="email"), errors.WeakPassword(field="password"), errors.EmailTaken()),
        tag=TAG,
        summary="Create an account",
        description="E-mail addresses are compared without regard to case.",
    ),
    Endpoint(
        method="POST",
        path="/v1/auth/signin",
        answer=sign_in,
        takes=SignIn,
        caller=Caller.ANYBODY,
        answers={200: answers.SignedIn},
        refusals=(errors.InvalidCredentials(),),
        tag=TAG,
        summary="Sign in",
    ),
)
