"""Accounts by e-mail address: signing up, and signing in for a token."""

from functools import partial
from typing import Final

from starlette.responses import Response

import errors
from db import ids
from domain import user
from edge.sign_in_rates import count_sign_in, count_sign_up
from identity import accounts
from rest.cinema import answers
from rest.cinema.payloads import SignIn, SignUp
from rest.credentials import NEVER_KEPT, TOO_OFTEN
from rest.endpoint import Call, Caller, Endpoint, render_json

TAG: Final = "Accounts"


async def sign_up(call: Call[SignUp]) -> Response:
    """Answer a new account."""
    made = await accounts.sign_up(
        call.services.database,
        passwords=call.services.passwords,
        count_attempt=partial(count_sign_up, call.services, call.visitor),
        email=call.asked.email,
        username=None,
        password=call.asked.password,
    )
    body: answers.SignUpAnswer = {
        "user": {"id": ids.encode("usr", made.id), "email": call.asked.email, "created_at": made.created_at}
    }
    return render_json(body, status=201)


async def sign_in(call: Call[SignIn]) -> Response:
    """Answer a token."""
    found = await accounts.sign_in(
        call.services.database,
        passwords=call.services.passwords,
        count_attempt=partial(count_sign_in, call.services, call.visitor),
        email=call.asked.email,
        username=None,
        password=call.asked.password,
    )
    body: answers.SignInAnswer = {"token": accounts.issue_token(found, keys=call.services.keys)}
    return render_json(body, headers=NEVER_KEPT)


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/auth/signup",
        answer=sign_up,
        takes=SignUp,
        caller=Caller.ANYBODY,
        answers={201: answers.SignUpAnswer},
        refusals=(
            errors.InvalidEmail(field="email"),
            errors.WeakPassword(field="password", problem=user.PASSWORD_LENGTH),
            errors.EmailTaken(),
            TOO_OFTEN,
        ),
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
        answers={200: answers.SignInAnswer},
        refusals=(errors.InvalidCredentials(), TOO_OFTEN),
        tag=TAG,
        summary="Sign in",
        description="Answers a token that is valid for 24 hours. The answer is the same for an unknown address as for a wrong password.",
    ),
)
