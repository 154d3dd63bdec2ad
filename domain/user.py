"""Accounts: who may be known by what name, and who is staff."""

import re
from typing import Final

from email_validator import EmailNotValidError, validate_email

from db import lists, paging
from db.engine import Reading, Transaction
from db.models import User
from domain.text import NUL, encodable
from errors import Forbidden, InvalidEmail, InvalidInput, InvalidUsername, Refusal, WeakPassword, refuse

USERNAME: Final = re.compile(r"[\w@.+-]{1,150}")
SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD: Final = 128

BY_ID: Final = paging.sql(lists.by_id(User))
BY_NAME: Final = """
    SELECT id, email, username, password_hash, is_staff, created_at FROM users
    WHERE lower(email) = lower(%(email)s) OR lower(username) = lower(%(username)s)
"""
ADD: Final = """
    INSERT INTO users (email, username, password_hash) VALUES (%(email)s, %(username)s, %(password_hash)s)
    RETURNING id, email, username, is_staff, created_at
"""
MAKE_STAFF: Final = """
    INSERT INTO users (email, password_hash, is_staff) VALUES (%(email)s, %(password_hash)s, true)
    ON CONFLICT (lower(email)) DO UPDATE SET is_staff = true
    RETURNING id, email, username, is_staff, created_at
"""


def check_email(email: str) -> str:
    """Return the address; raise InvalidEmail unless it is spelled like one (nobody is asked whether it exists)."""
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise InvalidEmail(path=("input", "identity", "email"), field="email") from None
    return email


def check_username(username: str) -> str:
    """Return the name; raise InvalidUsername unless it has 1 to 150 letters, digits or @.+-_."""
    if not USERNAME.fullmatch(username):
        raise InvalidUsername(path=("input", "identity", "username"), field="username")
    return username


def check_password(password: str) -> str:
    """Return the password; raise WeakPassword unless it has 8 to 128 characters, none of them NUL or broken."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or NUL in password or not encodable(password):
        raise WeakPassword(path=("input", "password"), field="password")
    return password


def check_account(*, email: str | None, username: str | None, password: str) -> None:
    """Check the facts of a new account; raise all that is wrong with them at once."""
    faults: list[Refusal] = []
    if (email is None) == (username is None):
        faults.append(
            InvalidInput(path=("input", "identity"), field="identity", problem="needs either an email or a username")
        )
    for check, value in ((check_email, email), (check_username, username), (check_password, password)):
        try:
            if value is not None:
                check(value)
        except Refusal as fault:
            faults.append(fault)
    refuse(faults)


async def sign_up(tx: Transaction, *, email: str | None, username: str | None, password_hash: str) -> User:
    """Return the new account; raise EmailTaken or UsernameTaken, compared without regard to case."""
    (made,) = await tx.rows(User, ADD, email=email, username=username, password_hash=password_hash)
    return made


async def by_name(reading: Reading, *, email: str | None, username: str | None) -> User | None:
    """Return the account of this e-mail address or username with its password's hash, None where there is none."""
    named = f"{email}{username}"
    if NUL in named or not encodable(named):
        return None
    return await reading.row(User, BY_NAME, email=email, username=username)


async def replace_hash(tx: Transaction, *, user_id: int, password_hash: str) -> None:
    """Keep a password's hash of today's costs in place of an older one."""
    statement = "UPDATE users SET password_hash = %(password_hash)s WHERE id = %(id)s"
    await tx.execute(statement, id=user_id, password_hash=password_hash)


async def add_staff(tx: Transaction, *, email: str, password_hash: str) -> User:
    """Return the staff user of this address: a new one, or the existing one (who keeps their password) made staff."""
    (made,) = await tx.rows(User, MAKE_STAFF, email=check_email(email), password_hash=password_hash)
    return made


async def is_staff(reading: Reading, user_id: int) -> bool:
    """Return whether the user is staff at this moment; a token does not say."""
    return bool(await reading.value("SELECT is_staff FROM users WHERE id = %(id)s", id=user_id))


async def require_staff(reading: Reading, user_id: int) -> None:
    """Raise Forbidden unless the user is staff at this moment."""
    if not await is_staff(reading, user_id):
        raise Forbidden
