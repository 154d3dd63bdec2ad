import asyncio
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.pq.abc import PGresult

from db.engine import Database
from db.models import User
from db.pipeline import Parameters, RawRow, Statement
from domain import user
from errors import (
    EmailTaken,
    Forbidden,
    InvalidEmail,
    InvalidInput,
    InvalidUsername,
    Refusal,
    Refusals,
    UsernameTaken,
    WeakPassword,
)
from tests.support.factories import make_user

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)
GOOD = "correct horse"


async def signed_up(database: Database, *, email: str | None = None, username: str | None = None) -> User:
    async with database.transaction() as tx:
        return await user.sign_up(tx, email=email, username=username, password_hash="hash")


async def test_signs_up_by_email_or_username(database: Database) -> None:
    ada = await signed_up(database, email="Ada@Example.org")
    assert (ada.email, ada.username, ada.is_staff) == ("Ada@Example.org", None, False)
    assert "password_hash" not in ada.model_fields_set
    assert (await signed_up(database, username="ada")).username == "ada"


@pytest.mark.parametrize("again", ["ada@example.org", "ADA@EXAMPLE.ORG", "Ada@example.org"])
async def test_email_is_taken_in_any_case(database: Database, again: str) -> None:
    await signed_up(database, email="ada@Example.org")
    with pytest.raises(EmailTaken) as refused:
        await signed_up(database, email=again)
    assert refused.value.path == ("input", "identity", "email")


@pytest.mark.parametrize("again", ["zoë", "ZOË"])
async def test_username_is_taken_in_any_case(database: Database, again: str) -> None:
    await signed_up(database, username="Zoë")
    with pytest.raises(UsernameTaken) as refused:
        await signed_up(database, username=again)
    assert refused.value.path == ("input", "identity", "username")


async def test_refused_account_leaves_nothing(database: Database) -> None:
    await signed_up(database, email="ada@example.org")
    with pytest.raises(EmailTaken):
        await signed_up(database, email="ada@example.org", username="other")
    assert await database.primary.value("SELECT count(*) FROM users") == 1


async def test_finds_account_by_email_or_username(database: Database) -> None:
    ada = await signed_up(database, email="ada@example.org")
    bob = await signed_up(database, username="bob")
    found = await user.find_account(database.primary, email="ADA@example.org", username=None)
    assert found is not None
    assert (found.id, found.password_hash) == (ada.id, "hash")
    found = await user.find_account(database.primary, email=None, username="BOB")
    assert found is not None
    assert found.id == bob.id
    for email, username in (("bob", None), (None, "ada@example.org"), ("nobody@example.org", None), ("a\0", None)):
        assert await user.find_account(database.primary, email=email, username=username) is None


async def test_slow_read_on_shared_connections_delays_no_sign_in(database: Database) -> None:
    ada = await signed_up(database, email="ada@example.org")

    class Occupied:
        """Shared connections behind a statement that never ends."""

        async def fetch_value(self, _: Statement, __: Parameters) -> bytes | None:
            raise NotImplementedError

        async def fetch_rows(self, _: Statement, __: Parameters) -> list[RawRow]:
            raise NotImplementedError

        async def run(self, _: Statement, __: Parameters) -> PGresult:
            await asyncio.Event().wait()
            raise NotImplementedError

    async with asyncio.timeout(10):
        occupied = replace(database.primary, pipelined=Occupied())
        found = await user.find_account(occupied, email="ada@example.org", username=None)
    assert found is not None
    assert found.id == ada.id


async def test_adds_new_staff_user_or_makes_existing_user_staff(database: Database) -> None:
    async with database.transaction() as tx:
        boss = await user.add_staff(tx, email="boss@example.org", password_hash="first")
    assert boss.is_staff
    ada = await signed_up(database, email="ada@example.org")
    async with database.transaction() as tx:
        same = await user.add_staff(tx, email="Ada@example.org", password_hash="other")
    assert (same.id, same.is_staff) == (ada.id, True)
    kept = await user.find_account(database.primary, email="ada@example.org", username=None)
    assert kept is not None
    assert kept.password_hash == "hash"


async def test_staff_user_needs_email(database: Database) -> None:
    with pytest.raises(InvalidEmail):
        async with database.transaction() as tx:
            await user.add_staff(tx, email="boss", password_hash="x")


async def test_staff_role_is_read_from_database(database: Database) -> None:
    boss, ada = await make_user(database, is_staff=True), await make_user(database)
    await user.require_staff(database.primary, boss.id)
    for nobody in (ada.id, 1):
        with pytest.raises(Forbidden):
            await user.require_staff(database.primary, nobody)
    await database.primary.value("UPDATE users SET is_staff = false RETURNING 1")
    with pytest.raises(Forbidden):
        await user.require_staff(database.primary, boss.id)


@pytest.mark.parametrize(
    "email", ["ada@example.org", "ada+tag@example.co.uk", "zoë@exämple.fr", "o'hara@example.org", "a@localhost.test"]
)
def test_accepts_email_addresses(email: str) -> None:
    assert user.check_email(email) == email


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.org", "a b@example.org", "a@b@c.org", "ada@exa\0mple.org", "a" * 300, "a\n@b.c"],
)
def test_refuses_text_that_is_no_email_address(email: str) -> None:
    with pytest.raises(InvalidEmail):
        user.check_email(email)


@pytest.mark.parametrize(
    ("spelled", "one_form"),
    [
        ("ada@xn--exmple-cua.fr", "ada@exämple.fr"),
        ("ada@EXA\u0308MPLE.fr", "ada@exämple.fr"),
        ("ada@exämple。fr", "ada@exämple.fr"),
        ("zoe\u0308@example.org", "zoë@example.org"),
        ("Ada@Example.ORG", "Ada@Example.ORG"),
    ],
)
def test_normalizes_spellings_of_email_address(spelled: str, one_form: str) -> None:
    assert user.check_email(spelled) == one_form


@pytest.mark.parametrize(
    ("spelled", "one_form"), [("zoe\u0308", "zoë"), ("ａｄａ", "ada"), ("ﬁnn", "finn"), ("Ada", "Ada")]
)
def test_normalizes_spellings_of_username(spelled: str, one_form: str) -> None:
    assert user.check_username(spelled) == one_form


@pytest.mark.parametrize(
    ("first", "again", "kind"),
    [
        ({"email": "zoë@exämple.fr"}, {"email": "zoe\u0308@xn--exmple-cua.fr"}, EmailTaken),
        ({"email": "ada@xn--exmple-cua.fr"}, {"email": "ada@exämple.fr"}, EmailTaken),
        ({"username": "zoe\u0308"}, {"username": "zoë"}, UsernameTaken),
        ({"username": "zoë"}, {"username": "ZOE\u0308"}, UsernameTaken),
    ],
)
async def test_refuses_other_spelling_of_taken_name(
    database: Database, first: dict[str, str], again: dict[str, str], kind: type[Refusal]
) -> None:
    made = await signed_up(database, **first)
    found = await user.find_account(database.primary, **{"email": None, "username": None} | again)
    assert found is not None
    assert found.id == made.id
    with pytest.raises(kind):
        await signed_up(database, **again)


@pytest.mark.parametrize("column", ["email", "username"])
async def test_finds_account_that_was_made_before_names_were_normalized(database: Database, column: str) -> None:
    as_made = {"email": "zoe\u0308@xn--exmple-cua.fr", "username": "zoe\u0308"}[column]
    old = await make_user(database, **{column: as_made})
    new = await signed_up(database, **{column: as_made})
    names = {"email": None, "username": None}
    found = [
        await user.find_account(database.primary, **names | {column: name}) for name in (as_made, getattr(new, column))
    ]
    assert [account.id for account in found if account] == [old.id, new.id]


@pytest.mark.parametrize("username", ["a", "a" * 150, "ada.l+1@x_y-z", "Zoë", "Ада", "42"])
def test_accepts_usernames(username: str) -> None:
    assert user.check_username(username) == username


@pytest.mark.parametrize("username", ["", "a" * 151, "a b", "ada\n", "ada!", "a\0", "🎬", "a/b", "\u3164", "ada\u115f"])
def test_refuses_text_that_is_no_username(username: str) -> None:
    with pytest.raises(InvalidUsername):
        user.check_username(username)


@pytest.mark.parametrize("password", ["x" * 8, "x" * 128, "é" * 8, "e\u0301" * 128, "        ", "パスワードです。"])
def test_accepts_passwords_of_8_to_128_characters(password: str) -> None:
    user.check_password(password)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "must have 8 to 128 characters"),
        ("x" * 7, "must have 8 to 128 characters"),
        ("x" * 129, "must have 8 to 128 characters"),
        # Four characters, however many code points they were typed as.
        ("e\u0301" * 4, "must have 8 to 128 characters"),
        ("long enough\0 password", "must not contain the character NUL"),
        ("1234567\ud800", "must not contain a lone surrogate, which is half of a character"),
    ],
)
def test_refuses_weak_password_with_reason(password: str, problem: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        user.check_password(password)
    assert str(refused.value) == f"`password` {problem}."


def test_refuses_all_faults_of_account_at_once() -> None:
    with pytest.raises(Refusals) as refused:
        user.check_account(email="ada", username=None, password="short")
    assert [type(fault) for fault in refused.value.exceptions] == [InvalidEmail, WeakPassword]


@pytest.mark.parametrize(("email", "username"), [(None, None), ("ada@example.org", "ada")])
def test_account_needs_either_email_or_username(email: str | None, username: str | None) -> None:
    with pytest.raises(InvalidInput) as refused:
        user.check_account(email=email, username=username, password=GOOD)
    assert refused.value.path == ("input", "identity")


@settings(deadline=None)
@given(email=st.none() | ANYTHING, username=st.none() | ANYTHING, password=ANYTHING)
@example(email="\ud800@example.org", username=None, password=GOOD)
def test_any_text_is_accepted_or_refused(email: str | None, username: str | None, password: str) -> None:
    try:
        user.check_account(email=email, username=username, password=password)
    except (Refusal, Refusals):
        return
    for text in (email or username or "", password):
        assert text.encode()
        assert "\0" not in text
