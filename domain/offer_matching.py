"""Offer matching: decides which entries of the providers are the same movie (docs/contract/prices.md)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

# An id is two letters of the provider, then the movie's own part.
PREFIX: Final = 2


@dataclass(frozen=True, slots=True)
class Member:
    """An entry of a provider, reduced to what matching compares: folded title, id without its letters, year."""

    provider: str
    provider_movie_id: str
    title_key: str
    year: str | None
    # Whether the entry is unchanged: where entries of an offer part, an unchanged one keeps the offer.
    stays: bool = field(default=False, compare=False)

    @property
    def name(self) -> tuple[str, str]:
        """The key of its row."""
        return self.provider, self.provider_movie_id

    @property
    def tail(self) -> str | None:
        """The id without the provider's letters; None where it does not begin with two."""
        letters, rest = self.provider_movie_id[:PREFIX], self.provider_movie_id[PREFIX:]
        return rest.lower() if rest and letters.isascii() and letters.isalpha() else None


@dataclass(slots=True, eq=False)
class Offer:
    """A movie with its entries; `id` is None until it has a row.

    `left` has the names of entries that are matched again, `gone` the entries that are no longer sold: they match no entry,
    but they identify an offer without other members.
    """

    id: int | None
    members: list[Member] = field(default_factory=list)
    left: set[tuple[str, str]] = field(default_factory=set)
    gone: list[Member] = field(default_factory=list)

    @property
    def years(self) -> set[str]:
        """The years of its entries."""
        return {member.year for member in self.members if member.year is not None}


class OfferIndex:
    """Offers, indexed by the ids and titles of their entries."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = list(offers)
        self._by_tail: dict[str, Offer] = {}
        self._by_title: defaultdict[str, list[Offer]] = defaultdict(list)
        empty = [offer for offer in offers if not offer.members]
        # A movie whose title has changed keeps its offer where that has no other member.
        self._own = {name: offer for offer in empty for name in offer.left}
        # So does a movie whose id has changed.
        self._former = {sign: offer for offer in empty for member in offer.gone for sign in _list_signs(member)}
        for offer in offers:
            for member in offer.members:
                self._index(offer, member)

    def find(self, entry: Member) -> Offer | None:
        """Return the offer that an entry belongs to, None where there is none yet."""
        by_id = self._by_tail.get(entry.tail) if entry.tail else None
        return by_id or self._of_title(entry) or self._free(entry)

    def add(self, offer: Offer, entry: Member) -> None:
        """Add an entry to an offer."""
        if offer.id is None and not offer.members:
            self.offers.append(offer)
        offer.members.append(entry)
        self._index(offer, entry)

    def _free(self, entry: Member) -> Offer | None:
        """Return an offer without members that this movie belonged to before."""
        had = (*map(self._former.get, _list_signs(entry)), self._own.get(entry.name))
        return next((offer for offer in had if offer and not offer.members), None)

    def _index(self, offer: Offer, member: Member) -> None:
        if member.tail:
            self._by_tail.setdefault(member.tail, offer)
        if member.title_key and offer not in self._by_title[member.title_key]:
            self._by_title[member.title_key].append(offer)

    def _of_title(self, entry: Member) -> Offer | None:
        """Return the offer of this title and year, else one where either side has no year.

        A remake with another year is another movie. Of several offers, one without this provider is preferred, then the newest.
        """
        titled = self._by_title.get(entry.title_key, []) if entry.title_key else []
        same = [offer for offer in titled if any(_is_same(member, entry) for member in offer.members)]
        possible = [offer for offer in titled if _is_possible(offer, entry)]
        return next(iter(same), None) or min(possible, key=lambda offer: _rank(offer, entry), default=None)


def match_offers(entries: Iterable[Member], offers: Sequence[Offer]) -> list[Offer]:
    """Add each entry to the offer of its movie, to a new offer where there is none; return all offers.

    Two entries are one movie when their ids agree behind the two letters, or else when title and year agree, or the title
    where one side has no year. Entries with a year go first, because an entry without one could otherwise take their offer.
    """
    known = OfferIndex(offers)
    for entry in sorted(entries, key=lambda each: (not each.stays, each.year is None, *each.name)):
        known.add(known.find(entry) or Offer(None), entry)
    return known.offers


def _list_signs(member: Member) -> list[object]:
    """Return what identifies an entry: its id without the letters, its title with its year."""
    by_title = (member.title_key, member.year) if member.title_key else None
    return [sign for sign in (member.tail, by_title) if sign is not None]


def _is_same(member: Member, entry: Member) -> bool:
    return (member.title_key, member.year) == (entry.title_key, entry.year)


def _is_possible(offer: Offer, entry: Member) -> bool:
    """Return whether one side has no year, and the offer has no year other than the entry's."""
    if entry.year is None:
        return True
    yearless = any(member.year is None and member.title_key == entry.title_key for member in offer.members)
    return yearless and offer.years <= {entry.year}


def _rank(offer: Offer, entry: Member) -> tuple[bool, int]:
    newest = max((int(year) for year in offer.years if year.isdecimal()), default=0)
    return any(member.provider == entry.provider for member in offer.members), -newest
