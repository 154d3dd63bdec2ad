"""Sign-up and sign-in, the same for every surface: an account by e-mail address or username, and its token."""

from collections.abc import Callable

from db.engine import Database
from db.models import User
from domain import user
from errors import InvalidCredentials, Unauthenticated
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
    count_name(count_attempt, email=email, username=username)
    password_hash = await passwords.hash(user.normalize_password(password))
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
    """Return the account, and renew its hash where it was made with other costs or from another form of the password.

    Raises RateLimited or InvalidCredentials. An unknown account takes as long as a wrong password.
    """
    count_name(count_attempt, email=email, username=username)
    found = await user.find_account(database.primary, email=email, username=username)
    stored_hash = found.password_hash if found else None
    normal = user.normalize_password(password)
    verified = await verify_either(passwords, stored_hash, (normal, password))
    if verified is None or found is None:
        raise InvalidCredentials
    if verified != normal or needs_rehash(found.password_hash):
        new_hash = await passwords.hash(normal)
        async with database.transaction() as tx:
            await user.replace_hash(tx, user_id=found.id, password_hash=new_hash)
    return found


def count_name(count_attempt: CountAttempt, *, email: str | None, username: str | None) -> None:
    """Count an attempt for the normalized name, so that other spellings of it count together."""
    names = user.normalize_names(email=email, username=username)
    count_attempt(names["email"] or names["username"] or "")


async def verify_either(passwords: Hashing, stored_hash: str | None, forms: tuple[str, str]) -> str | None:
    """Return the form of a password that the stored hash was made from, None where it was neither.

    Hashes from before passwords were normalized were made from the password as it was sent. Equal forms are tried once.
    """
    for form in dict.fromkeys(forms):
        if await passwords.verify(stored_hash, form):
            return form
    return None


async def sign_out_everywhere(database: Database, *, user_id: int) -> User:
    """End all tokens of this user, on every server within a second, and return the account.

    Raises Unauthenticated where the account is gone.
    """
    async with database.transaction() as tx:
        found = await user.end_tokens(tx, user_id=user_id)
    if found is None:
        raise Unauthenticated(problem="The account of this token is no longer there.")
    return found


def issue_token(account: User, *, keys: Keys) -> str:
    """Return a new token of this account."""
    return make_token(Actor(account.id, generation=account.token_generation), keys=keys)
