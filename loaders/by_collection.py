"""Loads the movies of collections."""

from collections import defaultdict
from collections.abc import Sequence

from aiodataloader import DataLoader

from db.engine import StatementRunner
from db.models import CollectedMovie
from db.selects import MOVIES_BY_COLLECTION
from loaders.shielded import ShieldedLoader


def movies_by_collection(primary: StatementRunner) -> DataLoader[int, list[CollectedMovie]]:
    """Return the loader of each collection's movies, in their order."""

    async def load(ids: Sequence[int]) -> list[list[CollectedMovie]]:
        found: defaultdict[int, list[CollectedMovie]] = defaultdict(list)
        for movie in await primary.rows(CollectedMovie, MOVIES_BY_COLLECTION, ids=list(ids)):
            found[movie.collection_id].append(movie)
        return [found[identity] for identity in ids]

    return ShieldedLoader(load)
