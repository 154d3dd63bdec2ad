"""UUIDs and public ids are two spellings of one snowflake."""

from collections.abc import Callable
from uuid import RFC_4122, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import ids
from db.engine import Database
from tests.support.ticketing import make_event

SNOWFLAKES = st.integers(0, ids.LARGEST)
PREFIXES = st.sampled_from(sorted(ids.KINDS))


@given(PREFIXES, SNOWFLAKES)
def test_uuid_of_id_is_read_back(prefix: str, snowflake: int) -> None:
    made = ids.to_uuid(prefix, snowflake)
    assert (made.version, made.variant) == (8, RFC_4122)
    assert ids.from_uuid(prefix, str(made)) == snowflake
    assert ids.from_uuid(prefix, str(made).upper()) == snowflake


@given(PREFIXES, PREFIXES, SNOWFLAKES)
def test_uuid_of_one_kind_is_invalid_for_other_kinds(prefix: str, other: str, snowflake: int) -> None:
    assert (ids.from_uuid(other, str(ids.to_uuid(prefix, snowflake))) is None) == (prefix != other)


@given(PREFIXES, SNOWFLAKES, SNOWFLAKES)
def test_uuids_sort_like_ids(prefix: str, one: int, other: int) -> None:
    assert (ids.to_uuid(prefix, one) < ids.to_uuid(prefix, other)) == (one < other)


@given(st.integers(0, 2**128 - 1) | st.integers(0, 2**64).map(lambda low: low << 64 | 8 << 76))
def test_other_uuids_are_no_ids(number: int) -> None:
    text = f"{number:032x}"[-32:]
    spelled = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    found = ids.from_uuid("evt", spelled)
    assert found is None or str(ids.to_uuid("evt", found)) == spelled


@given(PREFIXES, st.text())
def test_any_other_text_is_no_uuid_of_id(prefix: str, text: str) -> None:
    assert ids.from_uuid(prefix, text) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("-", ""),
        lambda text: f"{{{text}}}",
        lambda text: f"urn:uuid:{text}",
        lambda text: f"{text}\n",
        lambda text: f" {text}",
        lambda text: text[:-1],
        lambda text: f"{text}0",
        lambda text: text.replace("0", "０", 1),
        lambda text: f"{text[:-1]}{'0' if text[-1] != '0' else '1'}",
        lambda _: str(uuid4()),
        lambda _: "",
    ],
)
def test_uuid_has_one_spelling_but_for_case(spoil: Callable[[str], str]) -> None:
    assert ids.from_uuid("evt", spoil(str(ids.to_uuid("evt", 7262193846145024)))) is None


async def test_sql_and_python_make_the_same_uuid(database: Database) -> None:
    made = await make_event(database)
    assert ids.from_uuid("evt", str(ids.to_uuid("evt", made.id))) == made.id
