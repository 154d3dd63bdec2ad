"""Reads that PostgreSQL answers as JSON text: what a value without such a text becomes, and which tables are read."""

from typing import Any

import pytest

from db import lists, paging
from db.paging import Listing, Window
from errors import MovieNotFound
from rest.cinema import shapes
from rest.cinema.endpoints import ENDPOINTS
from rest.json_fields import Shape
from rest.planned_reads import render_items, render_one, write_page

ROW = (b'{"id":1}', b"[1]")
WITHOUT_TEXT = (b'{"id":1,"at":\x01}', b"[1]")


def test_joins_texts_of_rows() -> None:
    assert render_items([ROW, ROW]) == b'[{"id":1},{"id":1}]'
    assert render_one(shapes.MOVIE, [ROW], missing=MovieNotFound) == b'{"movie":{"id":1}}'


@pytest.mark.parametrize("row", [WITHOUT_TEXT, (None, None)])
def test_raises_for_value_without_json_text(row: tuple[bytes | None, ...]) -> None:
    with pytest.raises(ValueError, match="no JSON text"):
        render_items([ROW, row])
    with pytest.raises(ValueError, match="no JSON text"):
        render_one(shapes.MOVIE, [row], missing=MovieNotFound)


def test_program_reads_only_shown_columns_and_names_its_tables() -> None:
    listing = lists.list_places_of_movie(1)
    program = write_page(shapes.PLACES, listing.build, listing.names, listing.sort, paging.make_bounds(Window()))

    assert program.tables == {"places", "airings"}
    assert program.parameters == ("movie_id",)
    assert b"capacity" not in program.statement.sql
    assert program is write_page(
        shapes.PLACES, listing.build, listing.names, listing.sort, paging.make_bounds(Window())
    )


@pytest.mark.parametrize(
    ("path", "shape", "listing"),
    [
        ("/v1/movies", shapes.MOVIES, lists.list_movies("new")),
        ("/v1/movies/{movie_id}/places", shapes.PLACES, lists.list_places_of_movie(1)),
        (
            "/v1/movies/{movie_id}/places/{place_id}/sessions",
            shapes.SESSIONS,
            lists.list_sessions(movie_id=1, place_id=1),
        ),
    ],
)
def test_endpoints_declare_every_table_that_decides_about_answer(
    path: str, shape: Shape, listing: Listing[Any]
) -> None:
    (endpoint,) = [each for each in ENDPOINTS if each.path == path]
    program = write_page(shape, listing.build, listing.names, listing.sort, paging.make_bounds(Window()))
    assert program.tables <= endpoint.parts
