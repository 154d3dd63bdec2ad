"""Signing up and in, the same through every door: an account by e-mail address or by name, and a token that stands for it."""

from auth import Actor, make_token, needs_rehash
from db.models import User
from domain import user
from domain.errors import InvalidCredentials
from services import Services
from visitors import Visitor, count_sign_in, count_sign_up


async def sign_up(
    services: Services, visitor: Visitor, *, email: str | None, username: str | None, password: str
) -> User:
    """Return the new account; the password is hashed outside of any transaction, which would wait for it.

    Raises EmailTaken, UsernameTaken, and the Invalid of each field, all of them at once; RateLimited.
    """
    user.check_account(email=email, username=username, password=password)
    count_sign_up(services, visitor, email or username or "")
    password_hash = await services.passwords.hash(password)
    async with services.database.transaction() as tx:
        return await user.sign_up(tx, email=email, username=username, password_hash=password_hash)


async def sign_in(
    services: Services, visitor: Visitor, *, email: str | None, username: str | None, password: str
) -> User:
    """Return the account; one whose hash is of earlier costs gets a new hash.

    Raises InvalidCredentials for an unknown account as for a wrong password, and takes as long; RateLimited.
    """
    count_sign_in(services, visitor, email or username or "")
    found = await user.by_name(services.database.primary, email=email, username=username)
    kept = found.password_hash if found else None
    if not await services.passwords.verify(kept, password) or found is None:
        raise InvalidCredentials
    if needs_rehash(found.password_hash):
        fresh = await services.passwords.hash(password)
        async with services.database.transaction() as tx:
            await user.replace_hash(tx, user_id=found.id, password_hash=fresh)
    return found


def token_for(services: Services, account: User) -> str:
    """Return a token that speaks for this account."""
    return make_token(Actor(account.id), keys=services.keys)
