"""Collections: made, filled from the third-party catalogue, and kept when the catalogue does not answer."""

from typing import Any, Final

from playwright.sync_api import Page, expect

from db import search
from tests.support.browser_cinema import Cinema, Customer
from tests.support.browser_visitor import Visitor, on_desktop, on_phone

CATALOGUE: Final = "{ catalogue(first: 5) { nodes { uuid title description genres } } }"
CREATE: Final = """
    mutation ($input: CreateCollectionInput!) { createCollection(input: $input) { collection { id } errors { code } } }
"""
# A question goes by itself after these 8 s; without them only what the visitor does takes it back.
LASTING_QUESTION: Final = """
    const later = setTimeout;
    setTimeout = (work, pause, ...given) => pause === 8000 ? 0 : later(work, pause, ...given);
"""
OWN: Final = "{ viewer { collections(first: 5) { nodes { title movies { title } } } } }"


def collection(cinema: Cinema, customer: Customer, *, title: str = "Rainy Sundays", films: int = 3) -> str:
    """Return the id of a collection of the first films of the catalogue."""
    movies = cinema.graphql(CATALOGUE, token=customer.token)["catalogue"]["nodes"][:films]
    told = cinema.graphql(CREATE, token=customer.token, input={"title": title, "movies": movies})
    made: str = told["createCollection"]["collection"]["id"]
    return made


def titles(cinema: Cinema, customer: Customer) -> Any:  # noqa: ANN401 - JSON
    """Return the collections of a customer, each with its films."""
    found = cinema.graphql(OWN, token=customer.token)["viewer"]["collections"]["nodes"]
    return {each["title"]: [movie["title"] for movie in each["movies"]] for each in found}


def films(page: Page) -> Any:  # noqa: ANN401 - a Locator
    """Return the films in the collection of the page."""
    return page.get_by_role("region", name="Films in it").locator("h3")


def test_collection_is_created_and_filled_from_catalogue(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    page = visitor.visit("/my/collections")
    visitor.look("collections-none")
    page.get_by_label("A new collection").fill("Rainy Sundays")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rainy Sundays")

    page.get_by_role("searchbox").fill("jetee")
    page.get_by_role("button", name="Add La Jetée").click()
    expect(films(page)).to_have_text(["La Jetée"])
    # With a typing error.
    page.get_by_role("searchbox").fill("palytime")
    page.get_by_role("button", name="Add Playtime").click()
    expect(films(page)).to_have_text(["La Jetée", "Playtime"])
    visitor.look("collection")

    page.get_by_role("button", name="Remove La Jetée").click()
    expect(films(page)).to_have_text(["Playtime"])
    assert titles(cinema, customer) == {"Rainy Sundays": ["Playtime"]}


@on_desktop
def test_search_of_catalogue_folds_letters_as_server_does(visitor: Visitor) -> None:
    page = visitor.visit("/my/collections")
    names = [
        "Søren",
        "Łódź",
        "Đoàn",
        "Diyarbakır",
        "ΟΔΥΣΣΕΥΣ",
        "Œuvre",
        "Ægir",
        "Straße",
        "क्\u200dषत्रिय",
        "Amélie",
        "S.W.A.T.",
    ]
    folded = [search.fold(title) for title in names]
    found = page.evaluate(
        """async ([titles, folded]) => {
            const { matcher } = await import(new URL("search.js", document.querySelector("link[rel=modulepreload]").href));
            return titles.filter((title, place) => matcher(folded[place])(title) && matcher(title)(folded[place]));
        }""",
        [names, folded],
    )
    assert found == names


def test_collections_are_listed_with_favourite_genres(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    collection(cinema, customer)
    liked = cinema.graphql("{ viewer { favouriteGenres } }", token=customer.token)["viewer"]["favouriteGenres"]
    page = visitor.visit("/my/collections")
    assert len(liked) == 3
    expect(page.locator(".liked li")).to_have_text(liked)
    expect(page.locator("article.card")).to_contain_text("3 films")
    visitor.look("collections")


@on_desktop
def test_collection_is_renamed_and_deleted(visitor: Visitor, cinema: Cinema) -> None:
    customer = visitor.sign_in()
    visitor.page.add_init_script(LASTING_QUESTION)
    page = visitor.visit(f"/my/collections/{collection(cinema, customer, films=1)}")
    page.get_by_text("Rename or delete").click()
    page.get_by_label("Name").fill("Rainy Mondays")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Rainy Mondays")
    assert list(titles(cinema, customer)) == ["Rainy Mondays"]

    page.get_by_text("Rename or delete").click()
    page.get_by_label("Name").fill(" ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("A collection needs a name of at most 200 characters.")
    # A double click asks as a single one does; Escape and a click elsewhere take the question back.
    delete = page.get_by_role("button", name="Delete collection")
    delete.dblclick()
    confirm = page.get_by_role("button", name="Yes, delete")
    expect(confirm).to_be_visible()
    visitor.look("collection-delete")
    page.keyboard.press("Escape")
    expect(confirm).to_be_hidden()
    delete.click()
    page.get_by_role("heading", level=1).click()
    expect(confirm).to_be_hidden()
    assert list(titles(cinema, customer)) == ["Rainy Mondays"]
    delete.click()
    confirm.click()
    expect(page.get_by_role("heading", name="No collections yet")).to_be_visible()
    assert titles(cinema, customer) == {}


@on_phone
def test_catalogue_shows_more_movies(visitor: Visitor, cinema: Cinema) -> None:
    page = visitor.visit(f"/my/collections/{collection(cinema, visitor.sign_in(), films=0)}")
    rows = page.locator(".catalogue li")
    expect(rows).to_have_count(30)
    page.get_by_role("button", name="More films").click()
    expect(rows).to_have_count(60)


def test_page_reports_catalogue_that_does_not_answer(visitor: Visitor, cinema: Cinema) -> None:
    made = collection(cinema, visitor.sign_in())
    cinema.break_down("catalogue")
    page = visitor.visit(f"/my/collections/{made}")
    expect(page.get_by_role("alert")).to_contain_text("does not answer at the moment. Your collection is safe.")
    expect(films(page)).to_have_count(3)
    visitor.look("collection-catalogue-down")

    cinema.mend()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".catalogue li")).to_have_count(30)


@on_desktop
def test_collections_need_account(visitor: Visitor, cinema: Cinema) -> None:
    made = collection(cinema, cinema.customer(), films=1)
    for path, title in (("/my/collections", "My collections"), (f"/my/collections/{made}", "Your collection")):
        page = visitor.visit(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_label("Password")).to_be_visible()
    visitor.sign_in()
    page = visitor.visit(f"/my/collections/{made}")
    expect(page.get_by_role("heading", level=1)).to_have_text("No such collection")
