"""Accounts by username: registering, and signing in for a token."""

from functools import partial
from typing import Final

from starlette.responses import Response

import errors
from db import models
from domain import user
from edge.sign_in_rates import count_sign_in, count_sign_up
from identity import accounts
from rest.collections import answers
from rest.collections.payloads import Account, Login
from rest.credentials import NEVER_KEPT, TOO_OFTEN
from rest.endpoint import Call, Caller, Endpoint, render_json

TAG: Final = "Accounts by username"


async def register(call: Call[Account]) -> Response:
    """Answer a token of the new account."""
    made = await accounts.sign_up(
        call.services.database,
        passwords=call.services.passwords,
        count_attempt=partial(count_sign_up, call.services, call.visitor),
        email=None,
        username=call.asked.username,
        password=call.asked.password,
    )
    return render_json(render_token(call, made), status=201, headers=NEVER_KEPT)


async def login(call: Call[Login]) -> Response:
    """Answer a new token."""
    found = await accounts.sign_in(
        call.services.database,
        passwords=call.services.passwords,
        count_attempt=partial(count_sign_in, call.services, call.visitor),
        email=None,
        username=call.asked.username,
        password=call.asked.password,
    )
    return render_json(render_token(call, found), headers=NEVER_KEPT)


def render_token(call: Call[Account] | Call[Login], row: models.User) -> answers.AccessToken:
    """Return the answer with a token of this account."""
    return {"access_token": accounts.issue_token(row, keys=call.services.keys)}


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/register/",
        answer=register,
        takes=Account,
        caller=Caller.ANYBODY,
        answers={201: answers.AccessToken},
        refusals=(
            errors.InvalidUsername(field="username"),
            errors.WeakPassword(field="password", problem=user.PASSWORD_LENGTH),
            errors.UsernameTaken(),
            TOO_OFTEN,
        ),
        tag=TAG,
        summary="Create an account by username",
        description="Answers a token of the new account.",
    ),
    Endpoint(
        method="POST",
        path="/login/",
        answer=login,
        takes=Login,
        caller=Caller.ANYBODY,
        answers={200: answers.AccessToken},
        refusals=(errors.InvalidCredentials(), TOO_OFTEN),
        tag=TAG,
        summary="Sign in by username",
        description="Answers a new token. The answer is the same for an unknown username as for a wrong password.",
    ),
)
