import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import ids
from db.engine import Database
from errors import InvalidId

SNOWFLAKES = st.integers(0, ids.LARGEST)
PREFIXES = st.sampled_from(sorted(ids.KINDS))


@settings(deadline=None)
@given(PREFIXES, SNOWFLAKES)
def test_decoded_id_equals_encoded_snowflake(prefix: str, snowflake: int) -> None:
    assert ids.decode(prefix, ids.encode(prefix, snowflake)) == snowflake


@settings(deadline=None)
@given(PREFIXES, st.text() | st.from_regex(r"\A[a-z]{3}_[0-9]{1,20}\Z"))
def test_decodes_no_other_text(prefix: str, text: str) -> None:
    snowflake = ids.decode(prefix, text)
    assert snowflake is None or ids.encode(prefix, snowflake) == text


@settings(deadline=None)
@given(PREFIXES, PREFIXES, SNOWFLAKES)
def test_id_of_one_kind_is_invalid_for_other_kinds(prefix: str, other: str, snowflake: int) -> None:
    assert (ids.decode(other, ids.encode(prefix, snowflake)) is None) == (prefix != other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "_",
        "mov",
        "mov_",
        "mov_01",
        "mov_00",
        "mov_+1",
        "mov_-1",
        "mov_ 1",
        "mov_1 ",
        "mov_1\n",
        "mov_1_2",
        "MOV_1",
        "mov-1",
        "mov_1.0",
        "mov_1e3",
        "mov_0x1",
        "mov_١",
        "mov_²",
        "mov_1\0",
        "moｖ_1",
        f"mov_{2**63}",
        "mov_" + "9" * 5000,
        "1",
        "mov_None",
    ],
)
def test_id_has_one_spelling(text: str) -> None:
    assert ids.decode("mov", text) is None


def test_largest_id_is_largest_bigint() -> None:
    assert ids.decode("mov", f"mov_{2**63 - 1}") == 2**63 - 1


def test_invalid_id_is_refused_with_example() -> None:
    assert ids.expect("ses", "ses_12", "input", "sessionId") == 12
    with pytest.raises(InvalidId) as refused:
        ids.expect("ses", "mov_12", "input", "sessionId")
    assert refused.value.path == ("input", "sessionId")
    assert "`sessionId` is not the id of a session" in str(refused.value)
    with pytest.raises(InvalidId, match="`id` is not the id of an event reservation\\."):
        ids.expect("evr", "evt_1", "input", "id")
    assert "ses_7262193846145024" in str(refused.value)


async def test_database_generates_growing_unique_ids(database: Database) -> None:
    made = [row[0] for row in await database.primary.tuples("SELECT snowflake() FROM generate_series(1, 3000)")]
    assert len(set(made)) == 3000
    await database.primary.value("SELECT pg_sleep(0.002)")
    assert await database.primary.value("SELECT snowflake()") > max(made)
    # 41 bits of milliseconds since 2024.
    lag = "SELECT abs(extract(epoch FROM clock_timestamp()) * 1000 - 1704067200000 - (snowflake() >> 22))"
    assert await database.primary.value(lag) < 1000


async def test_two_primaries_generate_different_ids(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.value("SELECT set_config('matinee.node', '1023', true)")
        assert await tx.value("SELECT (snowflake() >> 12) & 1023") == 1023
    assert await database.primary.value("SELECT (snowflake() >> 12) & 1023") == 0
