"""Accounts: which e-mail addresses, usernames and passwords are valid, and who is staff."""

import re
import unicodedata
from contextlib import suppress
from typing import Final

from db import paging, selects
from db.engine import StatementRunner, Transaction
from db.models import User
from domain.text import NUL, find_problem, is_encodable, is_visible
from errors import Forbidden, InvalidEmail, InvalidInput, InvalidUsername, Refusal, WeakPassword, refuse

USERNAME: Final = re.compile(r"[\w@.+-]{1,150}")
SHORTEST_PASSWORD: Final = 8
LONGEST_PASSWORD: Final = 128
PASSWORD_LENGTH: Final = f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"

BY_ID: Final = paging.compile_sql(selects.select_by_ids(User))
# Looks for the normalized name and for the name as it was sent, for accounts that were made before names were normalized.
# Where both exist, the account with the name as sent comes first. Not a PureRead: those share connections, and a sign-in would
# wait behind slow reads.
BY_NAME: Final = """
    SELECT id, email, username, password_hash, is_staff, created_at, token_generation FROM users
    WHERE lower(email) IN (lower(%(email)s), lower(%(email_as_sent)s))
        OR lower(username) IN (lower(%(username)s), lower(%(username_as_sent)s))
    ORDER BY (lower(email) = lower(%(email_as_sent)s) OR lower(username) = lower(%(username_as_sent)s)) IS NOT TRUE
    LIMIT 1
"""
ADD: Final = """
    INSERT INTO users (email, username, password_hash) VALUES (%(email)s, %(username)s, %(password_hash)s)
    RETURNING id, email, username, is_staff, created_at
"""
END_TOKENS: Final = """
    UPDATE users SET token_generation = token_generation + 1, signed_out_at = clock_timestamp() WHERE id = %(id)s
    RETURNING id, email, username, is_staff, created_at
"""
MAKE_STAFF: Final = """
    INSERT INTO users (email, password_hash, is_staff) VALUES (%(email)s, %(password_hash)s, true)
    ON CONFLICT (lower(email)) DO UPDATE SET is_staff = true
    RETURNING id, email, username, is_staff, created_at
"""


def check_email(email: str) -> str:
    """Return the normalized address; raise InvalidEmail unless it has the form of one. Whether it exists is not checked.

    The domain is Unicode, not punycode, and both parts are in NFC. Letters keep their case.
    """
    # Loading its patterns takes 20 ms, which the first address of a process pays instead of each start.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - said above

    try:
        validated = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise InvalidEmail(path=("input", "identity", "email"), field="email") from None
    return email if email.lower() == validated.normalized.lower() else validated.normalized


def check_username(username: str) -> str:
    """Return the normalized name; raise InvalidUsername unless it has 1 to 150 letters, digits or @.+-_.

    NFKC rather than RFC 8265's width mapping and NFC: it makes the same names equal, and turns characters that the RFC
    refuses, such as ligatures, into their letters, so that accounts with such names can still sign in.
    """
    normal = unicodedata.normalize("NFKC", username)
    if not USERNAME.fullmatch(normal) or not all(map(is_visible, normal)):
        raise InvalidUsername(path=("input", "identity", "username"), field="username")
    return normal


def normalize_names(*, email: str | None, username: str | None) -> dict[str, str | None]:
    """Return the normalized names; an invalid name stays as it is, and no account has it."""
    normal: dict[str, str | None] = {"email": email, "username": username}
    with suppress(InvalidEmail):
        normal["email"] = email and check_email(email)
    with suppress(InvalidUsername):
        normal["username"] = username and check_username(username)
    return normal


def normalize_password(password: str) -> str:
    """Return the password as it is hashed: in NFKC, as NIST SP 800-63B, section 5.1.1.2, asks for.

    NFKC rather than RFC 8265's NFC: a keyboard in full-width mode types the same password.
    """
    return unicodedata.normalize("NFKC", password)


def check_password(password: str) -> str:
    """Return the password; raise WeakPassword unless it has 8 to 128 characters, each of which can be encoded."""
    normal = normalize_password(password)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        problem: str | None = PASSWORD_LENGTH
    else:
        problem = find_problem(normal, longest=LONGEST_PASSWORD, may_be_empty=True)
    if problem:
        raise WeakPassword(path=("input", "password"), field="password", problem=problem)
    return password


def check_account(*, email: str | None, username: str | None, password: str) -> None:
    """Raise all faults of a new account's values at once."""
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
    """Return the new account; raise EmailTaken or UsernameTaken, compared without regard to case or spelling."""
    names = normalize_names(email=email, username=username)
    (made,) = await tx.rows(User, ADD, password_hash=password_hash, **names)
    return made


async def find_account(runner: StatementRunner, *, email: str | None, username: str | None) -> User | None:
    """Return the account of this e-mail address or username with its password hash, None where there is none."""
    named = f"{email}{username}"
    if NUL in named or not is_encodable(named):
        return None
    as_sent = {"email_as_sent": email, "username_as_sent": username}
    return await runner.row(User, BY_NAME, **normalize_names(email=email, username=username), **as_sent)


async def replace_hash(tx: Transaction, *, user_id: int, password_hash: str) -> None:
    """Replace the password hash of an account."""
    statement = "UPDATE users SET password_hash = %(password_hash)s WHERE id = %(id)s"
    await tx.execute(statement, id=user_id, password_hash=password_hash)


async def end_tokens(tx: Transaction, *, user_id: int) -> User | None:
    """End all tokens that the user was issued so far; return the user, None where the account is gone."""
    return await tx.row(User, END_TOKENS, id=user_id)


async def add_staff(tx: Transaction, *, email: str, password_hash: str) -> User:
    """Return the staff user of this address: a new account, or an existing one, which keeps its password."""
    (made,) = await tx.rows(User, MAKE_STAFF, email=check_email(email), password_hash=password_hash)
    return made


async def is_staff(runner: StatementRunner, user_id: int) -> bool:
    """Return whether the user is staff at this moment; a token does not say so."""
    return bool(await runner.value("SELECT is_staff FROM users WHERE id = %(id)s", id=user_id))


async def require_staff(runner: StatementRunner, user_id: int) -> None:
    """Raise Forbidden unless the user is staff at this moment."""
    if not await is_staff(runner, user_id):
        raise Forbidden
