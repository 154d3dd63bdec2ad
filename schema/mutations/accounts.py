"""Mutations of accounts."""

import strawberry

from db import models
from resolvers import users
from resolvers.changes import drop_unset
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import SignInInput, SignUpInput
from schema.payloads import SignInPayload, SignOutEverywherePayload, SignUpPayload


@strawberry.type
class AccountMutations:
    @mutation(
        SignUpPayload,
        "user",
        "token",
        description="Makes an account, and signs it in.",
        codes="EMAIL_TAKEN, USERNAME_TAKEN, INVALID_EMAIL, INVALID_USERNAME, WEAK_PASSWORD",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> tuple[models.User, str]:
        return await users.sign_up(
            info.context,
            email=drop_unset(input.identity.email),
            username=drop_unset(input.identity.username),
            password=input.password,
        )

    @mutation(SignInPayload, "user", "token", description="Signs an account in.", codes="INVALID_CREDENTIALS")
    async def sign_in(self, info: Info, input: SignInInput) -> tuple[models.User, str]:
        return await users.sign_in(
            info.context,
            email=drop_unset(input.identity.email),
            username=drop_unset(input.identity.username),
            password=input.password,
        )

    @mutation(
        SignOutEverywherePayload,
        "user",
        description="Ends all tokens of the viewer, that of this request too, on all servers within a second. For signed-in callers.",
    )
    async def sign_out_everywhere(self, info: Info) -> models.User:
        return await users.sign_out_everywhere(info.context)
