"""The third-party catalogue: each page is fetched for the call."""

from typing import Final

from starlette.responses import Response

import errors
from db.models import CollectedMovie
from domain.collection import CatalogueMovie
from rest.collections import answers
from rest.collections.payloads import A_PAGE, CatalogueQuery
from rest.endpoint import Call, Caller, Endpoint, render_json


async def list_catalogue(call: Call[CatalogueQuery]) -> Response:
    """Answer a page of the catalogue, fetched for this very call."""
    found = await call.services.catalogue.page(call.asked.page)
    body: answers.CataloguePage = {
        "count": found.count,
        "next": format_page_address(call.base_url, found.number + 1) if found.has_next else None,
        "previous": format_page_address(call.base_url, found.number - 1) if found.has_previous else None,
        "data": [render_catalogue_movie(movie) for movie in found.movies],
    }
    return render_json(body)


def format_page_address(base: str, number: int) -> str:
    """Return the address of a page of the catalogue on this server."""
    return f"{base}/movies/?page={number}"


def render_catalogue_movie(movie: CatalogueMovie | CollectedMovie) -> answers.CatalogueMovie:
    """Return a movie as it is answered; it comes from the catalogue or from a collection."""
    return {
        "title": movie.title,
        "description": movie.description,
        "genres": movie.genres,
        "uuid": str(movie.uuid),
    }


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/movies/",
        answer=list_catalogue,
        takes=CatalogueQuery,
        caller=Caller.SIGNED_IN,
        answers={200: answers.CataloguePage},
        refusals=(
            errors.InvalidInput(field="page", problem=A_PAGE),
            errors.RouteNotFound(),
            errors.UpstreamUnavailable(),
        ),
        tag="Catalogue",
        summary="List the third-party catalogue",
        description="Fetched from the third party each time. 404 beyond the last page, 503 while it is down.",
    ),
)
