"""Lists of offers."""

from sqlalchemy import exists, select

from db.lists.filters import VARIED, Names, filter_by_symbols, make_searchable, search_words
from db.models import MovieOffer, ProviderMovie, find_table
from db.ordered import Ordered
from db.paging import Listing, Value
from db.selects import list_columns


def list_offers(*, search_for: str | None = None) -> Listing[MovieOffer]:
    """Return the offers that a provider sells, by title."""
    return make_searchable("offers", MovieOffer, select_offers, {}, search_for=search_for, sort="")


def select_offers(names: Names, _sort: str, _value: Value) -> Ordered:
    """Return the statement of `list_offers`."""
    own, entry = find_table(MovieOffer).c, find_table(ProviderMovie).c
    statement = filter_by_symbols(select(*list_columns(MovieOffer)), names, own.title)
    sold = exists().where(entry.offer_id == own.id, entry.listed, entry.price.is_not(None))
    keys = (own.title_key, own.id)
    found = search_words(names, own.title_lexemes)
    return Ordered(statement.where(sold), keys, ("title_key", "id"), varied=bool(names & VARIED), search=found)
