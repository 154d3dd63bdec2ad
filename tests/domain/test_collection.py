"""Collections are whole or not there, belong to one user, and tell what genres that user likes."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.engine import Database
from db.models import Collection, User
from domain import collection
from domain.collection import CatalogueMovie
from errors import CollectionNotFound, InvalidInput, Refusals
from tests.support.factories import make_user


def film(title: str = "Alphaville", genres: str = "", uuid: UUID | None = None) -> CatalogueMovie:
    return CatalogueMovie(uuid or uuid4(), title, f"About {title}.", genres)


async def make_collection(database: Database, user: User, *movies: CatalogueMovie, title: str = "Mine") -> Collection:
    async with database.transaction() as tx:
        return await collection.create_collection(
            tx, user_id=user.id, title=title, description="What I like.", movies=movies
        )


async def titles(database: Database, made: Collection) -> list[str]:
    found = await collection.find_movies(database.primary, [made.id])
    return [movie.title for movie in found[made.id]]


async def test_collection_keeps_movies_in_given_order(database: Database) -> None:
    movies = [film("Zazie", "Comedy,  Drama"), film("Alphaville", ""), film("Playtime", "Comedy")]

    made = await make_collection(database, await make_user(database), *movies)

    found = (await collection.find_movies(database.primary, [made.id]))[made.id]
    assert [(row.uuid, row.title, row.description, row.genres) for row in found] == [
        (movie.uuid, movie.title, movie.description, movie.genres) for movie in movies
    ]
    assert [row.genre_names for row in found] == [["Comedy", "Drama"], [], ["Comedy"]]


async def test_movie_given_twice_is_stored_once(database: Database) -> None:
    one, other = uuid4(), uuid4()
    movies = [film("First", uuid=one), film("Other", uuid=other), film("Again", uuid=one)]

    made = await make_collection(database, await make_user(database), *movies)

    assert await titles(database, made) == ["First", "Other"]


async def test_update_keeps_values_that_are_left_out(database: Database) -> None:
    user = await make_user(database)
    made = await make_collection(database, user, film("Zazie"), title="Before")

    async with database.transaction() as tx:
        changed = await collection.update_collection(tx, user_id=user.id, collection_id=made.id, title="After")

    assert (changed.title, changed.description) == ("After", made.description)
    assert await titles(database, made) == ["Zazie"]
    assert changed.updated_at > made.updated_at
    assert changed.created_at == made.created_at


@pytest.mark.parametrize("names", [["Playtime", "Zazie"], []])
async def test_update_replaces_movies(database: Database, names: list[str]) -> None:
    user = await make_user(database)
    made = await make_collection(database, user, film("Zazie"), film("Alphaville"))

    async with database.transaction() as tx:
        await collection.update_collection(
            tx, user_id=user.id, collection_id=made.id, movies=[film(name) for name in names]
        )

    assert await titles(database, made) == names


async def test_collection_of_other_user_is_not_found(database: Database) -> None:
    stranger = await make_user(database)
    made = await make_collection(database, await make_user(database), film("Zazie"))

    with pytest.raises(CollectionNotFound):
        await collection.find_collection(database.primary, user_id=stranger.id, collection_id=made.id)
    async with database.transaction() as tx:
        with pytest.raises(CollectionNotFound):
            await collection.update_collection(tx, user_id=stranger.id, collection_id=made.id, title="Mine", movies=[])
    async with database.transaction() as tx:
        with pytest.raises(CollectionNotFound):
            await collection.delete_collection(tx, user_id=stranger.id, collection_id=made.id)

    assert await collection.find_collection(database.primary, user_id=made.user_id, collection_id=made.id) == made
    assert await titles(database, made) == ["Zazie"]


async def test_delete_removes_collection_with_its_movies(database: Database) -> None:
    user = await make_user(database)
    made = await make_collection(database, user, film("Zazie"))

    async with database.transaction() as tx:
        await collection.delete_collection(tx, user_id=user.id, collection_id=made.id)

    async with database.transaction() as tx:
        with pytest.raises(CollectionNotFound):
            await collection.delete_collection(tx, user_id=user.id, collection_id=made.id)
    assert await titles(database, made) == []


async def test_refuses_all_faults_at_once_and_writes_nothing(database: Database) -> None:
    user = await make_user(database)
    movies = [
        film("Zazie"),
        film(" "),
        film("x" * 501),
        CatalogueMovie(uuid4(), "Nul\0"),
        CatalogueMovie(uuid4(), "A", "x" * 10_001, "b\0"),
    ]

    with pytest.raises(Refusals) as raised:
        await make_collection(database, user, *movies, title="x" * 201)

    faults = [fault for fault in raised.value.exceptions if isinstance(fault, InvalidInput)]
    assert [fault.words["field"] for fault in faults] == [
        "title",
        "movies.1.title",
        "movies.2.title",
        "movies.3.title",
        "movies.4.description",
        "movies.4.genres",
    ]
    assert faults[1].path == ("input", "movies", "1", "title")
    assert await database.primary.value("SELECT count(*) FROM collections") == 0


async def test_refuses_with_fifty_faults_at_most(database: Database) -> None:
    with pytest.raises(Refusals) as raised:
        await make_collection(database, await make_user(database), *(film("") for _ in range(1000)))

    assert len(raised.value.exceptions) == 50


async def test_stores_ten_thousand_movies_and_counts_their_genres(database: Database) -> None:
    user = await make_user(database)
    genres = ["Drama", "Comedy, Drama", "Western,Drama , War", ""]
    movies = [film(f"Movie {number}", genres[number % 4]) for number in range(10_000)]

    made = await make_collection(database, user, *movies)
    liked = await collection.find_favourite_genres(database.primary, user_id=user.id)

    assert liked == ["Drama", "Comedy", "War"]
    assert len(await titles(database, made)) == 10_000


@pytest.mark.parametrize(
    ("collections", "expected"),
    [
        ([], []),
        ([[""]], []),
        ([[" , ,,"]], []),
        ([["Drama"]], ["Drama"]),
        ([["Drama,Comedy", "Drama"]], ["Drama", "Comedy"]),
        # Ties are alphabetical, accents and case aside.
        ([["Western,Comedy,Épopée,Drama"]], ["Comedy", "Drama", "Épopée"]),
        ([["b,C,A,d"]], ["A", "b", "C"]),
        # White space of any kind is not part of a name.
        ([[" Drama", "Drama\t", "\u00a0Drama\u3000", "Comedy", "Comedy"]], ["Drama", "Comedy"]),
        # Twice in one movie is once; the same movie in two collections is two.
        ([["Drama,Drama, Drama", "Comedy", "Comedy"]], ["Comedy", "Drama"]),
        ([["Drama"], ["Drama"], ["Comedy"]], ["Drama", "Comedy"]),
        ([["A,B,C,D", "D"]], ["D", "A", "B"]),
    ],
)
async def test_favourite_genres_are_the_three_most_common(
    database: Database, collections: list[list[str]], expected: list[str]
) -> None:
    user, other = await make_user(database), await make_user(database)
    same = uuid4()
    for genres in collections:
        await make_collection(
            database, user, *(film("Same", each, same if len(genres) == 1 else None) for each in genres)
        )
    await make_collection(database, other, film("Theirs", "Horror"), film("Theirs too", "Horror"))

    assert await collection.find_favourite_genres(database.primary, user_id=user.id) == expected


async def test_database_and_python_split_genres_alike(database: Database) -> None:
    texts: list[str] = ["Drama,  Comedy,, \u2003War,Drama", "\u200bzero width is no space"]
    spaces = "".join(chr(point) for point in range(0x110000) if chr(point).isspace())
    texts += [f"{space}Drama{space}" for space in spaces]

    @given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from(" ,\t\u00a0a")))
    def gather(text: str) -> None:
        texts.append(text)

    gather()
    found = await database.primary.tuples(
        "SELECT genre_names(text) FROM unnest(%(texts)s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n", texts=texts
    )

    assert [names for (names,) in found] == [film(genres=text).genre_names for text in texts]


def test_fault_of_movie_has_path_to_it() -> None:
    fault = collection.make_fault("is wrong", "movies", "3", "title")

    assert isinstance(fault, InvalidInput)
    assert str(fault) == "`movies.3.title` is wrong."
