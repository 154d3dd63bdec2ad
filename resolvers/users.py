"""Accounts: sign-up and sign-in, the viewer, and the users that a viewer may see."""

from functools import partial
from typing import Any

from sqlalchemy import Select

from db.models import User
from edge.sign_in_rates import count_sign_in, count_sign_up
from errors import Unauthenticated
from identity import accounts
from identity.tokens import Actor
from resolvers.context import Context
from resolvers.planned_reads import Parent, select_own_or_staff


async def find_viewer(context: Context) -> User | None:
    """Return the signed-in user, None for an anonymous one; raise Unauthenticated where the account is gone."""
    if context.actor is None:
        return None
    found = await context.loaders.user_by_id.load(context.actor.user_id)
    if found is None:
        raise Unauthenticated(problem="The account of this token is no longer there.")
    return found


async def find_visible_user(context: Context, user_id: int) -> User | None:
    """Return a user whom the viewer may see: the viewer, or any user for staff."""
    if context.actor is None or (user_id != context.actor.user_id and not await context.is_staff()):
        return None
    return await context.loaders.user_by_id.load(user_id)


async def sign_up(context: Context, *, email: str | None, username: str | None, password: str) -> tuple[User, str]:
    """Return the new account and a token."""
    made = await accounts.sign_up(
        context.services.database,
        passwords=context.services.passwords,
        count_attempt=partial(count_sign_up, context.services, context.visitor),
        email=email,
        username=username,
        password=password,
    )
    return made, enter(context, made)


async def sign_in(context: Context, *, email: str | None, username: str | None, password: str) -> tuple[User, str]:
    """Return the account and a token."""
    found = await accounts.sign_in(
        context.services.database,
        passwords=context.services.passwords,
        count_attempt=partial(count_sign_in, context.services, context.visitor),
        email=email,
        username=username,
        password=password,
    )
    return found, enter(context, found)


async def sign_out_everywhere(context: Context) -> User:
    """End all tokens of the viewer, this request's too, and return the viewer."""
    return await accounts.sign_out_everywhere(context.database, user_id=context.user_id)


def enter(context: Context, entering: User) -> str:
    """Return a token for the user, who becomes the viewer of this mutation's other fields."""
    context.actor = Actor(entering.id)
    context.entered = accounts.issue_token(entering, keys=context.services.keys)
    return context.entered


def select_visible_user(parent: Parent) -> Select[Any]:
    """Return the statement of the user of a page view, whom the user and staff see."""
    return select_own_or_staff(User, parent("user_id"), user="id")
