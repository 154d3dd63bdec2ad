"""Accounts through GraphQL: signing up and in, and what one may see of oneself and of others."""

from typing import Any

import pytest

from db.engine import Database
from domain import instants
from identity.passwords import HASHER
from tests.support.documents import done, refused, send
from tests.support.factories import PASSWORD, insert, make_page_view, make_user
from tests.support.graphql_client import GraphQL

VIEWER = "{ viewer { id email username isStaff } }"
USER = "query ($id: ID!) { node(id: $id) { id ... on User { email isStaff } } }"


async def test_signs_up_by_email(database: Database, graphql: GraphQL) -> None:
    payload = await done(graphql, "signUp", identity={"email": "Ada@example.org"}, password=PASSWORD)
    user = payload["user"]
    assert (user["email"], user["username"], user["isStaff"]) == ("Ada@example.org", None, False)
    assert instants.read(user["createdAt"]).year > 2000
    # The new account is the viewer of the rest of the payload.
    assert user["bookings"] == {"totalCount": 0}
    found = await graphql.client.post(
        "/graphql", json={"query": VIEWER}, headers={"Authorization": f"Bearer {payload['token']}"}
    )
    assert found.json()["data"]["viewer"]["id"] == user["id"]
    kept = await database.primary.value("SELECT password_hash FROM users")
    assert HASHER.verify(kept, PASSWORD)


async def test_signs_up_by_username(graphql: GraphQL) -> None:
    payload = await done(graphql, "signUp", identity={"username": "ada.l+1"}, password=PASSWORD)
    assert (payload["user"]["email"], payload["user"]["username"]) == (None, "ada.l+1")


@pytest.mark.parametrize("identity", [{"email": "ADA@EXAMPLE.ORG"}, {"username": "ADA"}], ids=str)
async def test_signs_in_without_regard_to_case(database: Database, graphql: GraphQL, identity: dict[str, str]) -> None:
    user = await make_user(database, email="ada@example.org", username="ada")
    payload = await done(graphql, "signIn", identity=identity, password=PASSWORD)
    assert payload["user"]["id"] == f"usr_{user.id}"
    assert payload["token"].count(".") == 2


TAKEN = [
    ({"email": "ADA@example.org"}, "EMAIL_TAKEN", "email"),
    ({"username": "Ada"}, "USERNAME_TAKEN", "username"),
]


@pytest.mark.parametrize(("identity", "code", "field"), TAKEN)
async def test_refuses_taken_name(
    database: Database, graphql: GraphQL, identity: dict[str, str], code: str, field: str
) -> None:
    await make_user(database, email="ada@example.org", username="ada")
    refusal = await refused(graphql, "signUp", identity=identity, password=PASSWORD)
    assert refusal == [("Conflict", code, ["input", "identity", field])]


UNFIT: list[tuple[dict[str, Any], str, list[tuple[str, list[str]]]]] = [
    ({"email": "ada"}, PASSWORD, [("INVALID_EMAIL", ["input", "identity", "email"])]),
    ({"email": ""}, PASSWORD, [("INVALID_EMAIL", ["input", "identity", "email"])]),
    ({"username": "a b"}, PASSWORD, [("INVALID_USERNAME", ["input", "identity", "username"])]),
    ({"username": "a" * 151}, PASSWORD, [("INVALID_USERNAME", ["input", "identity", "username"])]),
    ({"email": "ada@example.org"}, "x" * 7, [("WEAK_PASSWORD", ["input", "password"])]),
    ({"email": "ada@example.org"}, "x" * 129, [("WEAK_PASSWORD", ["input", "password"])]),
    (
        {"email": "ada"},
        "short",
        [("INVALID_EMAIL", ["input", "identity", "email"]), ("WEAK_PASSWORD", ["input", "password"])],
    ),
]


@pytest.mark.parametrize(("identity", "password", "faults"), UNFIT)
async def test_refuses_all_faults_of_account_at_once(
    graphql: GraphQL, identity: dict[str, str], password: str, faults: list[tuple[str, list[str]]]
) -> None:
    refusal = await refused(graphql, "signUp", identity=identity, password=password)
    assert refusal == [("InvalidInput", code, path) for code, path in faults]


@pytest.mark.parametrize("mutation", ["signUp", "signIn"])
@pytest.mark.parametrize(
    "identity", [{}, {"email": "a@example.org", "username": "a"}, {"email": None}, {"email": None, "username": "a"}]
)
async def test_account_needs_exactly_one_name(graphql: GraphQL, mutation: str, identity: dict[str, str]) -> None:
    answer = await send(graphql, mutation, identity=identity, password=PASSWORD)
    assert answer.codes == ["INVALID_INPUT"]
    assert "data" not in answer.response.json()


async def test_wrong_password_and_unknown_account_have_same_refusal(database: Database, graphql: GraphQL) -> None:
    await make_user(database, email="ada@example.org")
    answers = [
        await send(graphql, "signIn", identity={"email": email}, password="not the password")
        for email in ("ada@example.org", "nobody@example.org")
    ]
    assert answers[0].data == answers[1].data
    (error,) = answers[0].data["signIn"]["errors"]
    assert (error["__typename"], error["code"], error["path"]) == ("InvalidInput", "INVALID_CREDENTIALS", [])
    assert answers[0].data["signIn"]["token"] is None


async def test_sign_in_renews_hash_of_other_costs(database: Database, graphql: GraphQL) -> None:
    old = type(HASHER)(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    await make_user(database, email="ada@example.org", password_hash=old)
    await done(graphql, "signIn", identity={"email": "ada@example.org"}, password=PASSWORD)
    kept = await database.primary.value("SELECT password_hash FROM users")
    assert kept != old
    assert HASHER.verify(kept, PASSWORD)


@pytest.mark.parametrize(
    ("identity", "password", "other_identity", "other_password"),
    [
        ({"email": "zoë@exämple.fr"}, "zoë and more", {"email": "zoe\u0308@xn--exmple-cua.fr"}, "zoe\u0308 and more"),
        ({"username": "zoe\u0308"}, "zoe\u0308 and more", {"username": "ZOË"}, "zoë and more"),
        ({"username": "ada"}, "ﾊﾟｽﾜｰﾄﾞ８８８", {"username": "ａｄａ"}, "パスワード888"),
    ],
)
async def test_signs_in_with_other_spelling_of_name_and_password(
    graphql: GraphQL, identity: dict[str, str], password: str, other_identity: dict[str, str], other_password: str
) -> None:
    made = await done(graphql, "signUp", identity=identity, password=password)
    found = await done(graphql, "signIn", identity=other_identity, password=other_password)
    assert found["user"]["id"] == made["user"]["id"]


async def test_sign_in_renews_hash_of_password_that_was_not_normalized(database: Database, graphql: GraphQL) -> None:
    sent = "zoe\u0308 und mehr"
    await make_user(database, email="ada@example.org", password_hash=HASHER.hash(sent))
    identity = {"email": "ada@example.org"}
    assert await refused(graphql, "signIn", identity=identity, password="zoë und mehr")
    await done(graphql, "signIn", identity=identity, password=sent)
    await done(graphql, "signIn", identity=identity, password="zoë und mehr")
    kept = await database.primary.value("SELECT password_hash FROM users")
    await done(graphql, "signIn", identity=identity, password=sent)
    assert await database.primary.value("SELECT password_hash FROM users") == kept, "it is renewed once"


# Seeing


async def test_anonymous_caller_has_no_viewer(graphql: GraphQL) -> None:
    assert (await graphql(VIEWER)).data == {"viewer": None}


async def test_viewer_is_signed_in_user(database: Database, graphql: GraphQL) -> None:
    user = await make_user(database, email="ada@example.org", is_staff=True)
    assert (await graphql(VIEWER, by=user)).data["viewer"] == {
        "id": f"usr_{user.id}",
        "email": "ada@example.org",
        "username": None,
        "isStaff": True,
    }


async def test_refuses_token_of_deleted_account(database: Database, graphql: GraphQL) -> None:
    user = await make_user(database)
    await database.primary.value("DELETE FROM users RETURNING 1")
    assert (await graphql(VIEWER, by=user)).codes == ["UNAUTHENTICATED"]


async def test_user_sees_self_and_staff_see_all_users(database: Database, graphql: GraphQL) -> None:
    user, other, staff = (
        await make_user(database),
        await make_user(database),
        await make_user(database, is_staff=True),
    )
    variables = {"id": f"usr_{user.id}"}
    seen = {"node": {"id": variables["id"], "email": user.email, "isStaff": False}}
    assert (await graphql(USER, variables, by=user)).data == seen
    assert (await graphql(USER, variables, by=staff)).data == seen
    assert (await graphql(USER, variables, by=other)).data == {"node": None}
    assert (await graphql(USER, variables)).data == {"node": None}


async def test_staff_role_is_read_from_database(database: Database, graphql: GraphQL) -> None:
    staff = await make_user(database, is_staff=True)
    view = await make_page_view(database)
    document = f'{{ node(id: "trk_{view.id}") {{ id }} }}'
    assert (await graphql(document, by=staff)).data["node"] == {"id": f"trk_{view.id}"}
    await database.primary.value("UPDATE users SET is_staff = false RETURNING 1")
    assert (await graphql(document, by=staff)).data == {"node": None}


async def test_password_hash_is_in_no_answer(database: Database, graphql: GraphQL) -> None:
    user = await insert(
        database, type(await make_user(database)), email="bob@example.org", password_hash="the hash itself"
    )
    answer = await graphql("{ viewer { id passwordHash } }", by=user)
    assert answer.codes == ["INVALID_INPUT"]
    assert "the hash itself" not in answer.response.text
