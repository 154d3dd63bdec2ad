"""Accounts: signing up and in, and what one may see of others."""

from auth import Actor, make_token, needs_rehash
from db.models import User
from domain import user
from domain.errors import InvalidCredentials, Unauthenticated
from resolvers.context import Context


async def viewer(context: Context) -> User | None:
    """Return the signed-in user, None for an anonymous one; raise Unauthenticated where the account is gone."""
    if context.actor is None:
        return None
    found = await context.loaders.user_by_id.load(context.actor.user_id)
    if found is None:
        raise Unauthenticated(problem="The account of this token is no longer there.")
    return found


async def visible_user(context: Context, user_id: int) -> User | None:
    """Return a user whom the viewer may see: themselves, or anybody for staff."""
    if context.actor is None or (user_id != context.actor.user_id and not await context.is_staff()):
        return None
    return await context.loaders.user_by_id.load(user_id)


async def sign_up(context: Context, *, email: str | None, username: str | None, password: str) -> tuple[User, str]:
    """Return the new account and a token; the password is hashed outside of any transaction, which would wait for it."""
    user.check_account(email=email, username=username, password=password)
    password_hash = await context.services.passwords.hash(password)
    async with context.database.transaction() as tx:
        made = await user.sign_up(tx, email=email, username=username, password_hash=password_hash)
    return made, enter(context, made)


async def sign_in(context: Context, *, email: str | None, username: str | None, password: str) -> tuple[User, str]:
    """Return the account and a token; an unknown account is refused as a wrong password is, and takes as long."""
    found = await user.by_name(context.database.primary, email=email, username=username)
    kept = found.password_hash if found else None
    if not await context.services.passwords.verify(kept, password) or found is None:
        raise InvalidCredentials
    if needs_rehash(found.password_hash):
        fresh = await context.services.passwords.hash(password)
        async with context.database.transaction() as tx:
            await user.replace_hash(tx, user_id=found.id, password_hash=fresh)
    return found, enter(context, found)


def enter(context: Context, entering: User) -> str:
    """Return a token for the user, who is the viewer of what else this mutation answers."""
    context.actor = Actor(entering.id)
    return make_token(context.actor, keys=context.services.keys)
