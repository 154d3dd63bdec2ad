import sys
import unicodedata
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import literal_column

from db import lists, ordered, paging, search
from db.engine import Database, PlannedEachTime
from db.models import Movie
from db.paging import Listing
from tests.support.factories import make_movie, make_place
from tests.support.search_reference import matches

# What titles and the names of places are written in; marks on their own come from text that is taken apart already.
ALPHABET = st.characters(
    min_codepoint=1,
    max_codepoint=0x24F,
    exclude_categories=(),
) | st.sampled_from("ẞ’“”«»…–—№½⅓²™ﬁﬂÅΩΑΒΓΔΕάέήίόύώϊϋςσΣЁёЙйЩщІіЇїאבגあがパ映画가나ạảấầẩẫậắằẳ\u0301\u0308\u0327\u3099")
TEXTS = st.text(ALPHABET, max_size=30)

TITLES = [
    "Le Fabuleux Destin d’Amélie Poulain",
    "Les Misérables",
    "Œil pour œil",
    "Die große Stille",
    "Casablanca",
    "2001: l'Odyssée de l'espace",
    "Smørrebrød",
    "Zazie dans le métro",
    "Où est la maison de mon ami ?",
    "M",
    "Se7en",
]


@pytest.fixture
async def films(database: Database) -> None:
    for title in TITLES:
        await make_movie(database, title=title)


async def found(database: Database, query: str) -> list[str]:
    page = await paging.read_page(
        database.primary, database.cursors, lists.list_movies(search_for=query), paging.make_window(first=100)
    )
    return sorted(movie.title for movie in page.rows)


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("Amélie", TITLES[0]),
        ("amelie", TITLES[0]),
        ("AMELIE", TITLES[0]),
        ("ame\u0301lie", TITLES[0]),
        ("d'amelie poulain", TITLES[0]),
        ("poulain fabuleux", TITLES[0]),
        ("destin   ,,, amélie!", TITLES[0]),
        ("MISERABLES", TITLES[1]),
        ("oeil", TITLES[2]),
        ("ŒIL", TITLES[2]),
        ("grosse", TITLES[3]),
        ("große", TITLES[3]),
        ("GROẞE stille", TITLES[3]),
        ("2001", TITLES[5]),
        ("odyssee espace", TITLES[5]),
        ("smorrebrod", TITLES[6]),
        ("SMØRREBRØD", TITLES[6]),
        ("ou est", TITLES[8]),
        ("se7en", TITLES[10]),
    ],
)
async def test_search_ignores_case_and_accents(database: Database, query: str, title: str) -> None:
    assert await found(database, query) == [title]


@pytest.mark.parametrize(
    ("title", "query"),
    [
        ("Война и мир", "война"),
        ("Война и мир", "ВОЙНА МИР"),
        ("Война и мир", "воина"),
        ("Война и мир", "вонйа"),
        ("Ο Θίασος", "θιασος"),
        ("Ο Θίασος", "ΘΙΑΣΟΣ"),
        ("東京物語", "東京"),
        ("東京物語", "東京物語"),
        ("L'Étoile de 東京", "etoile 東京"),
        ("ガメラ", "ガメ"),
        ("서울의 봄", "봄"),
        ("서울의 봄", "서울"),
        ("جدایی نادر", "نادر"),
        ("हिन्दी क्षत्रिय", "क्षत्रिय"),
        ("हिन्दी क्षत्रिय", "हिन्दी"),
        ("हिन्दी क्षत्रिय", "क्ष"),
        ("क्\u200dषत्रिय", "क्षत्रिय"),
        ("ที่รัก", "รัก"),
        ("天空の城ラピュタ", "ラピュタ"),
        ("天空の城ラピュタ", "ラピ"),
        ("天空の城ラピュタ", "城"),
        ("天空の城ラピュタ", "天空の城"),
        ("ラピュタ", "ラピュダ"),
        ("S.W.A.T.", "swat"),
        ("S.W.A.T.", "S.W.A.T"),
        ("SWAT", "s.w.a.t."),
        ("E.T. the Extra-Terrestrial", "et"),
        ("J.R.R. Tolkien", "jrr tolkien"),
    ],
)
async def test_search_works_in_other_alphabets(database: Database, title: str, query: str) -> None:
    for name in (title, "Casablanca"):
        await make_movie(database, title=name)
    assert await found(database, query) == [title]


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("left out", "casablnca"),
        ("left out at the start", "asablanca"),
        ("left out at the end", "casablanc"),
        ("put in", "casabllanca"),
        ("put in at the start", "xcasablanca"),
        ("put in at the end", "casablancaa"),
        ("replaced", "casabkanca"),
        ("replaced at the start", "vasablanca"),
        ("replaced at the end", "casablance"),
        ("swapped", "casalbanca"),
        ("swapped at the start", "acsablanca"),
        ("swapped at the end", "casablanac"),
    ],
)
async def test_search_forgives_typing_error(database: Database, kind: str, query: str) -> None:
    assert await found(database, query) == ["Casablanca"], kind


@pytest.mark.usefixtures("films")
async def test_search_forgives_one_error_in_each_word(database: Database) -> None:
    assert await found(database, "fabulleux pulain") == [TITLES[0]]
    assert await found(database, "metor zaize") == [TITLES[7]]


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("query", ["csaablnca", "cazzblanca", "casablanca metro", "kaszblanca"])
async def test_search_does_not_forgive_two_errors_or_additional_word(database: Database, query: str) -> None:
    assert await found(database, query) == []


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("query", ["c", "ca", "cas", "casa", "casablan"])
async def test_search_finds_beginning_of_word(database: Database, query: str) -> None:
    assert "Casablanca" in await found(database, query)


@pytest.mark.usefixtures("films")
async def test_search_does_not_find_middle_of_word(database: Database) -> None:
    assert await found(database, "blanca") == []


@pytest.mark.usefixtures("films")
async def test_search_does_not_forgive_errors_in_short_words(database: Database) -> None:
    assert await found(database, "ami") == ["Où est la maison de mon ami ?"]
    assert await found(database, "amx") == []


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize("query", [None, "", " ", "\0", "\u0301", "\u200b", "\t\n"])
async def test_blank_search_finds_everything(database: Database, query: str | None) -> None:
    listing = lists.list_movies(search_for=query)
    assert listing.fingerprint == lists.list_movies().fingerprint
    assert await paging.count_rows(database.primary, listing) == len(TITLES)


@pytest.mark.usefixtures("films")
async def test_search_without_words_finds_symbols(database: Database) -> None:
    await make_movie(database, title="100% Wolf_\\o/ ❤")
    for query in ("%", "_", " % ", "\\", "❤️", "% wolf", "_\\"):
        assert await found(database, query) == ["100% Wolf_\\o/ ❤"], query
    assert await found(database, "?") == [TITLES[8]]
    for query in ("%%", "!?", "...", "🎬", "\ud800", "\ufffd", "'; --", "%" * 10_000):
        assert await found(database, query) == [], query


@pytest.mark.usefixtures("films")
@pytest.mark.parametrize(
    "query",
    [
        "%amelie%",
        "amelie%",
        ".*",
        "casa.*",
        "(casablanca",
        "[a-z]+",
        "a{1000}",
        "\\m\\M",
        "(?i)casablanca",
        "^$",
        "***=casa",
        "casablanca'; DROP TABLE movies; --",
        "casa\0blanca",
        "{casablanca,x}",
        '"casablanca"',
        "casablanca\\",
        "a|b",
        "%(x)s %s",
        "x" * 10_000,
        "xyz " * 2500,
        "casablanca" * 1000,
        "é" * 10_000,
        "%" * 10_000,
        "aaaa" * 8 + " " + "aaab" * 8,
        "\u0301" * 10_000,
        "casa\ud800blanca",
        "１２３",
        "²³¹",
    ],
)
async def test_search_accepts_hostile_text(database: Database, query: str) -> None:
    assert set(await found(database, query)) <= set(TITLES)
    assert await paging.count_rows(database.primary, lists.list_movies(search_for=query)) >= 0


@pytest.mark.usefixtures("films")
async def test_search_escapes_regular_expressions(database: Database) -> None:
    assert await found(database, ".casablanc.") == ["Casablanca"]
    assert await found(database, "c.s.blanca") == []
    assert await found(database, "casablanca|metro") == []


def test_searches_for_equal_words_share_cursors() -> None:
    first, second = lists.list_movies(search_for="Amélie  POULAIN!"), lists.list_movies(search_for="amelie poulain")
    assert first.fingerprint == second.fingerprint


async def test_search_finds_places(database: Database) -> None:
    for name in ("Le Grand Rex", "Pathé Bellecour", "Cinéma des Cinéastes"):
        await make_place(database, name=name)
    page = await paging.read_page(
        database.primary, database.cursors, lists.list_places(search_for="cineastse"), paging.make_window()
    )
    assert [place.name for place in page.rows] == ["Cinéma des Cinéastes"]


def test_search_uses_bounded_number_of_words_and_letters() -> None:
    words = search.read_words("x" * 10_000 + " y" * 10_000)
    assert len(words) == search.MOST_WORDS
    assert max(map(len, words)) == search.LONGEST_WORD
    assert len(search.write_query(("ab" * 16,))) < 10_000


@settings(deadline=None)
@given(TEXTS)
@example("Ça")
@example("ΟΔΥΣΣΕΥΣ")
@example("İstanbul ıI")
@example("がん")
@example("ŒUVRE ﬁn ½ ẞ")
@example("a\u0301\u0301b \u0301")
def test_folding_twice_changes_nothing_more(text: str) -> None:
    folded = search.fold(text)
    assert search.fold(folded) == folded
    assert search.fold(unicodedata.normalize("NFD", text)) == folded
    assert all(letter == " " or unicodedata.category(letter) in IN_WORDS for letter in folded)
    assert folded == folded.strip()
    assert "  " not in folded


# Letters, digits and the marks within words.
IN_WORDS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "Mn", "Mc"}
# Every character that Unicode 14 has assigned, and words of scripts whose letters combine.
UNASSIGNED: Final = ("Cs", "Cn", "Co")
ASSIGNED = st.characters(exclude_categories=UNASSIGNED, exclude_characters="\0")
SCRIPTS = st.sampled_from(list("कषय़र्ि\u200d\u200cಕ್ಷതമിழ்ไทยລາວကြည်ខ្មែរབོད日本ごァ한글 .sSⅣǅ٣𞤀ᎠᲐ\ue000"))


@settings(max_examples=300, deadline=None)
@given(texts=st.lists(TEXTS | st.text(ASSIGNED | SCRIPTS, max_size=30), min_size=20, max_size=40))
@example(
    texts=[
        "S.W.A.T. a.b 1.2.c",
        "क्\u200dषत्रिय",
        "Ça",
        "ΟΔΥΣΣΕΥΣ",
        "Οδυσσεύς",
        "İstanbul ıI",
        "がん",
        "ŒUVRE ﬁn ½ ẞ",
        "a\u0301\u0301b \u0301",
        "Ŀŀ",
        "ǅ",
    ]
)
def test_database_and_python_fold_alike(database_url: str, texts: list[str]) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT fold(text) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n", (texts,)
        )
        assert [row[0] for row in rows] == [search.fold(text) for text in texts]


def test_database_and_python_fold_each_character_alike(database_url: str) -> None:
    assigned = [each for each in map(chr, range(1, sys.maxunicode + 1)) if unicodedata.category(each) not in UNASSIGNED]
    texts = [f"a{each}b {each}" for each in assigned]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT fold(text) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n", (texts,)
        )
        found = zip(assigned, rows, map(search.fold, texts), strict=True)
        assert [(hex(ord(each)), theirs, ours) for each, (theirs,), ours in found if theirs != ours] == []


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists((TEXTS | st.text(SCRIPTS) | st.text("ab", min_size=30, max_size=40)).map(search.fold), min_size=10)
)
def test_database_and_python_make_the_same_lexemes(database_url: str, texts: list[str]) -> None:
    ours = [sorted({lexeme for word in text.split() for lexeme in search.list_lexemes(word)}) for text in texts]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT tsvector_to_array(lexemes(text)) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n",
            (texts,),
        )
        assert [sorted(row[0]) for row in rows] == ours


TITLE_WORDS = [
    *["le", "a", "b", "ab", "ba", "abc", "acb", "abcd", "abdc", "bcd", "abcde", "xabcd"],
    *["война", "войнa", "воина", "é", "ée", "城", "天空の城", "空の城天", "S.W.A.T."],
]
LONG_WORDS = ["ab" * 16, "ab" * 16 + "c", "ab" * 16 + "cd", "ab" * 15 + "b", "ba" * 16, "b" + "ab" * 16]


def make_titles(random: Random) -> list[str]:
    """Return titles of few different words, so that each word is in many of them."""
    return [" ".join(random.choices([*TITLE_WORDS, *LONG_WORDS], k=random.randint(1, 4))) for _ in range(60)]


def make_queries(random: Random) -> list[str]:
    """Return words as they are in titles, beginnings of them, words with an error, and several of those."""
    single = [*TITLE_WORDS, *LONG_WORDS, "nowhere", "воинa", "の城", "天空の城x"]
    wrong = [
        with_error(word, random.randrange(len(word)), random.choice(KINDS), random.choice("abcdx城"))
        for word in random.choices(single, k=40)
    ]
    return [*single, *wrong, *(" ".join(random.choices([*single, *wrong], k=2)) for _ in range(15))]


KINDS = ["left out", "put in", "replaced", "swapped"]


def with_error(word: str, place: int, kind: str, letter: str) -> str:
    before, here, after = word[:place], word[place], word[place + 1 :]
    return {
        "left out": before + after,
        "put in": before + letter + here + after,
        "replaced": before + letter + after,
        "swapped": before + after[:1] + here + after[1:],
    }[kind]


THREE: Final[Any] = literal_column("3")
WAYS: Final[dict[str, dict[str, Any]]] = {
    "as it is": {},
    "in order": {"NEWEST": (50, 0), "FIRST": (100, 0)},
    "by the index": {"NEWEST": (50, 51), "FEW": THREE},
    "either": {"NEWEST": (50, 2), "FIRST": (100, 2), "FEW": THREE},
    "frequent among the newest alone": {"NEWEST": (50, 0), "FIRST": (100, 101), "FEW": THREE},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The bounds that decide how a search is read: as they are, and such that few rows are many."""
    for name, bound in WAYS[request.param].items():
        monkeypatch.setattr(ordered, name, bound)
    paging.write_page_statement.cache_clear()
    yield
    paging.write_page_statement.cache_clear()


@pytest.mark.usefixtures("way")
async def test_search_finds_what_its_definition_does_in_every_way_of_reading(database: Database) -> None:
    random = Random(7)  # noqa: S311 - the same titles each time
    for title in make_titles(random):
        await make_movie(database, title=title)
    # Four ratings for sixty movies: most of the order is decided by the id.
    async with database.transaction() as tx:
        await tx.execute("UPDATE movies SET rating_sum = id & 3, rating_count = 1")
    every = await walk(database, lists.list_movies(), backwards=False)
    for query in make_queries(random):
        expected = [title for title in every if matches(title, query)]
        listing = lists.list_movies(search_for=query)
        assert await walk(database, listing, backwards=False) == expected, query
        assert await walk(database, listing, backwards=True) == expected, query
        assert await paging.count_rows(database.primary, listing) == len(expected), query


async def walk(database: Database, listing: Listing[Movie], *, backwards: bool) -> list[str]:
    """Return the titles of a list, read page by page from one of its ends."""
    titles: list[str] = []
    cursor: str | None = None
    while True:
        side = {"before" if backwards else "after": cursor}
        page = await paging.read_page(
            database.primary, database.cursors, listing, paging.Window(11, backwards=backwards, **side)
        )
        read = [movie.title for movie in page.rows]
        titles = read + titles if backwards else titles + read
        if not (page.has_previous if backwards else page.has_next):
            return titles
        cursor = page.start_cursor if backwards else page.end_cursor


def test_all_searches_share_one_statement() -> None:
    listing = lists.list_movies(search_for="casablanca")
    asked = paging.make_bounds(paging.make_window())
    text = paging.write_page_statement(listing.build, listing.names, listing.sort, asked, None)
    assert not isinstance(text, PlannedEachTime)
    assert lists.list_movies(search_for="le jour et la nuit").names == listing.names
