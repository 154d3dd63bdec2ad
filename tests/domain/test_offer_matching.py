"""Two entries are one movie by their ids, or else by title and year, or by the title where a side has no year."""

import pytest

from domain.offer_matching import Member, Offer, match_offers


def cw(identity: str, key: str, year: str | None = None) -> Member:
    return Member("cinemaworld", identity, key, year)


def fw(identity: str, key: str, year: str | None = None) -> Member:
    return Member("filmworld", identity, key, year)


def groups(*entries: Member) -> set[frozenset[str]]:
    """Return which ids are together."""
    return {frozenset(member.provider_movie_id for member in offer.members) for offer in match_offers(entries, [])}


def test_entries_with_equal_ids_behind_letters_match() -> None:
    assert groups(cw("cw0076759", "star wars", "1977"), fw("fw0076759", "la guerre des etoiles", "1978")) == {
        frozenset({"cw0076759", "fw0076759"})
    }


@pytest.mark.parametrize(("left", "right"), [("cw1", "fw2"), ("1", "1"), ("7759", "7759"), ("cw", "fw"), ("cw", "fw2")])
def test_other_ids_do_not_match(left: str, right: str) -> None:
    assert len(match_offers([cw(left, "star wars", "1977"), fw(right, "alien", "1979")], [])) == 2


def test_ids_match_without_regard_to_case() -> None:
    assert len(groups(cw("CWabc", "star wars"), fw("fwABC", "alien"))) == 1


def test_entries_with_equal_title_and_year_match() -> None:
    assert len(groups(cw("cw1", "star wars", "1977"), fw("fw2", "star wars", "1977"))) == 1


def test_entries_with_different_years_do_not_match() -> None:
    assert len(groups(cw("cw1", "dune", "1984"), fw("fw2", "dune", "2021"))) == 2


@pytest.mark.parametrize("years", [("1977", None), (None, "1977"), (None, None)])
def test_entries_with_equal_title_match_when_one_has_no_year(years: tuple[str | None, str | None]) -> None:
    assert len(groups(cw("cw1", "star wars", years[0]), fw("fw2", "star wars", years[1]))) == 1


def test_entry_without_year_does_not_merge_two_movies() -> None:
    found = groups(cw("cw1", "dune", "1984"), cw("cw2", "dune", "2021"), fw("fw9", "dune"))

    assert found == {frozenset({"cw1"}), frozenset({"cw2", "fw9"})}


def test_entry_without_year_prefers_offer_without_its_provider() -> None:
    found = groups(fw("fw1", "dune", "2021"), cw("cw2", "dune", "1984"), fw("fw9", "dune"))

    assert found == {frozenset({"fw1"}), frozenset({"cw2", "fw9"})}


def test_entry_with_other_year_does_not_match_offer_with_year() -> None:
    offer = Offer(1, [cw("cw1", "dune"), fw("fw2", "dune", "1984")])

    found = match_offers([fw("fw3", "dune", "2021")], [offer])

    assert [each.id for each in found] == [1, None]


def test_titles_without_letters_do_not_match() -> None:
    assert len(groups(cw("cw1", ""), fw("fw2", ""))) == 2


def test_entries_match_stored_offers() -> None:
    found = match_offers([fw("fw2", "alien", "1979")], [Offer(7, [cw("cw1", "alien", "1979")])])

    assert [(each.id, len(each.members)) for each in found] == [(7, 2)]


def test_renamed_movie_keeps_its_offer() -> None:
    alone = Offer(7, left={("filmworld", "fw2")})

    found = match_offers([fw("fw2", "alien", "1979"), fw("fw3", "aliens", "1986")], [alone])

    assert {member.provider_movie_id: offer.id for offer in found for member in offer.members} == {
        "fw2": 7,
        "fw3": None,
    }


def test_matches_ten_thousand_movies_quickly() -> None:
    many = [cw(f"cw{n}", f"movie {n % 5000}", str(1900 + n % 100)) for n in range(10_000)]

    assert (
        len(match_offers([fw(f"fw{n}", f"movie {n}", None) for n in range(10_000)], [Offer(None, [m]) for m in many]))
        > 0
    )
