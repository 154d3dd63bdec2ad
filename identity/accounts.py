"""Sign-up and sign-in, shared by every door: an account by e-mail address or username, and its token."""

from collections.abc import Callable

from db.engine import Database
from db.models import User
from domain import user
from errors import InvalidCredentials
from identity.passwords import Hashing, needs_rehash
from identity.tokens import Actor, Keys, make_token

# Counts an attempt for its name against the rate limits; raises RateLimited.
CountAttempt = Callable[[str], None]


async def sign_up(
    database: Database,
    *,
    passwords: Hashing,
    count_attempt: CountAttempt,
    email: str | None,
    username: str | None,
    password: str,
) -> User:
    """Return the new account. The password is hashed before the transaction begins, so that no transaction waits for it.

    Raises EmailTaken, UsernameTaken, RateLimited, or one Refusals with the Invalid of every wrong field.
    """
    user.check_account(email=email, username=username, password=password)
    count_attempt(email or username or "")
    password_hash = await passwords.hash(password)
    async with database.transaction() as tx:
        return await user.sign_up(tx, email=email, username=username, password_hash=password_hash)


async def sign_in(
    database: Database,
    *,
    passwords: Hashing,
    count_attempt: CountAttempt,
    email: str | None,
    username: str | None,
    password: str,
) -> User:
    """Return the account, and renew its hash where it was made with other costs than today's.

    Raises InvalidCredentials, after the same time for an unknown account as for a wrong password, or RateLimited.
    """
    count_attempt(email or username or "")
    found = await user.by_name(database.primary, email=email, username=username)
    kept = found.password_hash if found else None
    if not await passwords.verify(kept, password) or found is None:
        raise InvalidCredentials
    if needs_rehash(found.password_hash):
        fresh = await passwords.hash(password)
        async with database.transaction() as tx:
            await user.replace_hash(tx, user_id=found.id, password_hash=fresh)
    return found


def issue_token(account: User, *, keys: Keys) -> str:
    """Return a new token of this account."""
    return make_token(Actor(account.id), keys=keys)
