"""Collections: movies of the third-party catalogue that a user collects, and the user's favourite genres."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from db import paging, selects
from db.engine import StatementRunner, Transaction
from db.models import CollectedMovie, Collection
from db.selects import MOVIES_BY_COLLECTION
from domain.text import find_problem, find_text_faults
from errors import CollectionNotFound, InvalidInput, Refusal, refuse

LONGEST_TITLE: Final = 200
LONGEST_DESCRIPTION: Final = 5000
# Limits of texts that the third party writes.
LONGEST_MOVIE_TITLE: Final = 500
LONGEST_MOVIE_DESCRIPTION: Final = 10_000
LONGEST_GENRES: Final = 1000
# Nobody reads more faults.
MOST_FAULTS: Final = 50

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Collection))
BY_ID: Final = paging.compile_sql(selects.select_by_ids(Collection))
CREATE: Final = f"""
    INSERT INTO collections (user_id, title, description) VALUES (%(user_id)s, %(title)s, %(description)s)
    RETURNING {COLUMNS}
"""
FIND: Final = f"SELECT {COLUMNS} FROM collections WHERE id = %(id)s AND user_id = %(user_id)s"
# The first statement of a change: its row lock makes concurrent changes of one collection run one after the other.
CHANGE: Final = f"""
    UPDATE collections SET
        title = coalesce(%(title)s, title),
        description = coalesce(%(description)s, description),
        updated_at = clock_timestamp()
    WHERE id = %(id)s AND user_id = %(user_id)s
    RETURNING {COLUMNS}
"""
DELETE: Final = "DELETE FROM collections WHERE id = %(id)s AND user_id = %(user_id)s RETURNING id"
EMPTY: Final = "DELETE FROM collected_movies WHERE collection_id = %(id)s"
FILL: Final = """
    INSERT INTO collected_movies (collection_id, position, uuid, title, description, genres)
    SELECT %(id)s, place, uuid, title, description, genres
    FROM unnest(%(uuids)s::uuid[], %(titles)s::text[], %(descriptions)s::text[], %(genres)s::text[])
        WITH ORDINALITY AS movie (uuid, title, description, genres, place)
"""
# Ordered by the folded name, so that É stands beside E, then by the name itself, so that the order is unique.
FAVOURITE_GENRES: Final = """
    SELECT name FROM collections
    JOIN collected_movies ON collection_id = collections.id, unnest(genre_names) AS name
    WHERE user_id = %(user_id)s
    GROUP BY name ORDER BY count(*) DESC, fold(name) COLLATE "C", name COLLATE "C" LIMIT 3
"""


@dataclass(frozen=True, slots=True)
class CatalogueMovie:
    """A movie as the catalogue or a caller describes it; `genres` is one text with commas."""

    uuid: UUID
    title: str
    description: str = ""
    genres: str = ""

    @property
    def genre_names(self) -> list[str]:
        """The names between the commas: trimmed, without duplicates and empty names."""
        return [name for name in dict.fromkeys(part.strip() for part in self.genres.split(",")) if name]


async def create_collection(
    tx: Transaction, *, user_id: int, title: str, description: str, movies: Sequence[CatalogueMovie]
) -> Collection:
    """Return the new collection; a movie given twice is stored once. Raises all InvalidInputs at once."""
    check_collection(title=title, description=description, movies=movies)
    (made,) = await tx.rows(Collection, CREATE, user_id=user_id, title=title, description=description)
    await insert_movies(tx, made.id, movies)
    return made


async def update_collection(
    tx: Transaction,
    *,
    user_id: int,
    collection_id: int,
    title: str | None = None,
    description: str | None = None,
    movies: Sequence[CatalogueMovie] | None = None,
) -> Collection:
    """Return the collection with the given values; `movies` replaces all movies.

    Raises all InvalidInputs at once, and CollectionNotFound for another user's.
    """
    check_collection(title=title, description=description, movies=movies or ())
    changed = await tx.row(Collection, CHANGE, id=collection_id, user_id=user_id, title=title, description=description)
    if changed is None:
        raise CollectionNotFound
    if movies is not None:
        await tx.execute(EMPTY, id=collection_id)
        await insert_movies(tx, collection_id, movies)
    return changed


async def delete_collection(tx: Transaction, *, user_id: int, collection_id: int) -> None:
    """Delete the collection with its movies; raise CollectionNotFound for another user's."""
    if await tx.value(DELETE, id=collection_id, user_id=user_id) is None:
        raise CollectionNotFound


async def find_collection(runner: StatementRunner, *, user_id: int, collection_id: int) -> Collection:
    """Return the user's collection; raise CollectionNotFound where there is none or it is another user's."""
    found = await runner.row(Collection, FIND, id=collection_id, user_id=user_id)
    if found is None:
        raise CollectionNotFound
    return found


async def find_movies(runner: StatementRunner, collection_ids: Sequence[int]) -> Mapping[int, list[CollectedMovie]]:
    """Return the movies of these collections, in the order in which they were given."""
    found: dict[int, list[CollectedMovie]] = {each: [] for each in collection_ids}
    for movie in await runner.rows(CollectedMovie, MOVIES_BY_COLLECTION, ids=list(collection_ids)):
        found[movie.collection_id].append(movie)
    return found


async def find_favourite_genres(runner: StatementRunner, *, user_id: int) -> list[str]:
    """Return up to three genres, the most common first, counted over the movies of all the user's collections.

    A movie in two collections counts twice, a genre that one movie names twice counts once; ties are alphabetical.
    """
    return [name for (name,) in await runner.tuples(FAVOURITE_GENRES, user_id=user_id)]


async def insert_movies(tx: Transaction, collection_id: int, movies: Sequence[CatalogueMovie]) -> None:
    """Insert the movies of an empty collection, all by one statement."""
    first: dict[UUID, CatalogueMovie] = {}
    for movie in movies:
        first.setdefault(movie.uuid, movie)
    distinct = list(first.values())
    await tx.execute(
        FILL,
        id=collection_id,
        uuids=[movie.uuid for movie in distinct],
        titles=[movie.title for movie in distinct],
        descriptions=[movie.description for movie in distinct],
        genres=[movie.genres for movie in distinct],
    )


def check_collection(*, title: str | None, description: str | None, movies: Sequence[CatalogueMovie]) -> None:
    """Raise all faults at once, of the movies the first MOST_FAULTS."""
    faults: Iterator[Refusal] = iter(
        [
            *find_text_faults("title", title, longest=LONGEST_TITLE),
            *find_nested_faults(description, "description", longest=LONGEST_DESCRIPTION),
        ]
    )
    refuse([*faults, *islice(find_movie_faults(movies), MOST_FAULTS)])


def find_movie_faults(movies: Sequence[CatalogueMovie]) -> Iterator[InvalidInput]:
    """Yield the faults of the movies that a caller sends."""
    for place, movie in enumerate(movies):
        where = ("movies", str(place))
        yield from find_nested_faults(movie.title, *where, "title", longest=LONGEST_MOVIE_TITLE, may_be_empty=False)
        yield from find_nested_faults(movie.description, *where, "description", longest=LONGEST_MOVIE_DESCRIPTION)
        yield from find_nested_faults(movie.genres, *where, "genres", longest=LONGEST_GENRES)


def find_nested_faults(text: str | None, *path: str, longest: int, may_be_empty: bool = True) -> Iterator[InvalidInput]:
    """Yield the fault of a text at this path below the input; None means that it was left out."""
    problem = None if text is None else find_problem(text, longest=longest, may_be_empty=may_be_empty)
    if problem:
        yield make_fault(problem, *path)


def make_fault(problem: str, *path: str) -> InvalidInput:
    """Return the refusal of one value; its name is its path below the input."""
    return InvalidInput(path=("input", *path), field=".".join(path), problem=problem)
