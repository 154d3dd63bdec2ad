"""Reads the answers of price providers: two known shapes, and whatever else they may send."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.provider_movie import Entry
from domain.text import find_problem
from domain.web_address import is_web_address
from upstreams.resilience import Answer

LONGEST_ID: Final = 200
LONGEST_TITLE: Final = 500
LONGEST_ADDRESS: Final = 2048
YEAR: Final = re.compile(r"[0-9]{4}", re.ASCII)
# Plain decimal numbers only: the meaning of a comma or a currency would be a guess.
PRICE: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProviderList:
    """A list as read: its entries, the ids of entries without a price field, and how many entries could not be read."""

    entries: list[Entry]
    unpriced: list[str]
    skipped: int


def read_list(answer: Answer) -> ProviderList:
    """Return the entries of a list; raise ValueError where it is no list, or no entry can be read."""
    if answer.status >= 400:
        raise ValueError("no list")
    rows = _read_rows(_read_json(answer))
    found: dict[str, Entry] = {}
    unpriced: list[str] = []
    for entry, has_price in filter(None, map(_read_entry, rows)):
        if entry.provider_movie_id not in found:
            found[entry.provider_movie_id] = entry
            unpriced += [] if has_price else [entry.provider_movie_id]
    if rows and not found:
        raise ValueError("no entry that can be read")
    return ProviderList(list(found.values()), unpriced, len(rows) - len(found))


def read_detail(answer: Answer) -> Decimal | None:
    """Return the price in a movie's detail, None without one; raise ValueError where the answer is no detail."""
    if answer.status >= 400:
        return None
    fields = _read_fields(_read_json(answer))
    if fields is None:
        raise ValueError("no detail")
    return read_price(fields.get("price"))


def read_new_id(answer: Answer) -> str | None:
    """Return the id of a published movie, None where it was refused; raise ValueError for any other answer."""
    if answer.status >= 400:
        return None
    fields = _read_fields(_read_json(answer))
    identity = _read_text((fields or {}).get("id"), longest=LONGEST_ID)
    if identity is None:
        raise ValueError("no id")
    return identity


def read_price(value: object) -> Decimal | None:
    """Return a price exactly as written; None for anything but a plain decimal number of 0 or more."""
    if isinstance(value, str):
        return Decimal(value.strip()) if PRICE.fullmatch(value.strip()) else None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        text = f"{Decimal(value):f}" if abs(Decimal(value).adjusted()) < 20 else ""
        return Decimal(text) if PRICE.fullmatch(text) else None
    return None


def _read_json(answer: Answer) -> object:
    """Return the body's JSON with its numbers exact: a float would change the price."""
    try:
        return json.loads(answer.body, parse_float=Decimal, parse_constant=lambda _: None)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _read_rows(body: object) -> list[object]:
    listed = (_read_fields(body) or {}).get("movies") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise ValueError("no list")  # noqa: TRY004 - the fault is in the answer, not in a type of ours
    return listed


def _read_entry(row: object) -> tuple[Entry, bool] | None:
    """Return an entry and whether it has a price field; None where it is no entry."""
    fields = _read_fields(row)
    if fields is None:
        return None
    identity = _read_text(fields.get("id"), longest=LONGEST_ID)
    title = _read_text(fields.get("title"), longest=LONGEST_TITLE)
    if identity is None or title is None:
        return None
    year, poster = _read_text(fields.get("year"), longest=20), _read_text(fields.get("poster"), longest=LONGEST_ADDRESS)
    has_price = fields.get("price") is not None
    web = poster if poster and is_web_address(poster) else None
    return Entry(identity, title, _read_year(year), web, read_price(fields.get("price")), priced=has_price), has_price


def _read_fields(value: object) -> Mapping[str, Any] | None:
    """Return an object's fields by lower-case name; of two that differ only in case, the first."""
    if not isinstance(value, dict):
        return None
    names: Iterator[tuple[str, Any]] = ((str(name).lower(), each) for name, each in reversed(value.items()))
    return dict(names)


def _read_text(value: object, *, longest: int) -> str | None:
    """Return a text, or a whole number as text, stripped of white space; None where it cannot be stored."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return None if find_problem(text, longest=longest) else text


def _read_year(text: str | None) -> str | None:
    """Return the first year in a text such as 1977 or 2011–2019; "N/A" is none."""
    found = YEAR.search(text or "")
    return found[0] if found else None
