import re
import unicodedata

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db import lists, paging, search
from db.engine import Database
from tests.support.factories import make_movie, make_place

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
    assert len(search.write_pattern("ab" * 16)) < 10_000


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
ASSIGNED = st.characters(exclude_categories=("Cs", "Cn", "Co"), exclude_characters="\0")
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


@settings(max_examples=50, deadline=None)
@given(texts=st.lists((TEXTS | st.text(SCRIPTS)).map(search.fold), min_size=10, max_size=20))
def test_database_and_python_make_the_same_trigrams(database_url: str, texts: list[str]) -> None:
    ours = [sorted({part for word in text.split() for part in search.list_trigrams(word)}) for text in texts]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT trigrams(text) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n", (texts,)
        )
        assert [sorted(row[0]) for row in rows] == ours


WORDS = st.from_regex(r"\A[a-z0-9]{4,12}\Z")
LETTERS = "abcxyz019"


def with_error(word: str, place: int, kind: str, letter: str) -> str:
    before, here, after = word[:place], word[place], word[place + 1 :]
    return {
        "left out": before + after,
        "put in": before + letter + here + after,
        "replaced": before + letter + after,
        "swapped": before + after[:1] + here + after[1:],
    }[kind]


@settings(deadline=None)
@given(WORDS, st.data())
def test_index_and_pattern_agree_on_every_single_error(word: str, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["left out", "put in", "replaced", "swapped"]))
    typed = with_error(word, data.draw(st.integers(0, len(word) - 1)), kind, data.draw(st.sampled_from(LETTERS)))
    if len(typed) >= search.SHORTEST_FORGIVEN:
        assert re.search(search.write_pattern(typed), word)
        assert any(set(clue) <= set(search.list_trigrams(word)) for clue in search.list_clues(typed))


@settings(deadline=None)
@given(st.from_regex(r"\A[a-z0-9]{1,12}\Z"), st.integers(1, 12))
def test_search_finds_every_beginning_of_word(word: str, length: int) -> None:
    assert any(set(clue) <= set(search.list_trigrams(word)) for clue in search.list_clues(word[:length]))


def test_word_of_five_letters_or_more_has_two_clues() -> None:
    assert search.list_clues("casab") == [["  c"], ["sab"]]
    assert search.list_clues("casablanca") == [["  c", " ca", "asa", "cas"], ["anc", "lan", "nca"]]
    assert search.list_clues("cas") == [["  c", " ca", "cas"]]
    assert search.list_clues("c") == [["  c"]]
