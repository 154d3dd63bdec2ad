"""Parameters and answers of the prices surface."""

from datetime import datetime
from typing import Annotated

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from db.models import ExportStatus
from rest.payloads import NO_NUL, PageMetadata, PageQuery

Instant = Annotated[datetime, Field(description="In UTC.", examples=["2026-11-20T18:30:00Z"])]
LaterInstant = Annotated[datetime | None, Field(description="Null until then.", examples=["2026-11-20T18:30:07Z"])]
Csv = Annotated[
    str,
    Field(
        description="RFC 4180 in UTF-8, with a header line.",
        examples=[
            (
                "provider,id,title,year,price,first_seen_at,last_seen_at\r\n"
                "cinemaworld,cw0076759,Star Wars,1977,24.50,2026-11-19T08:00:00Z,2026-11-20T18:30:00Z\r\n"
            )
        ],
    ),
]


class OffersQuery(PageQuery):
    """The page of offers to return, and words of their titles."""

    search: Annotated[
        str | SkipJsonSchema[None],
        Field(description="Words of the title; a typing error is forgiven.", examples=["star wars"]),
        NO_NUL,
    ] = ""


class Price(TypedDict):
    """The price of a movie at a provider."""

    provider: Annotated[str, Field(examples=["cinemaworld"])]
    provider_movie_id: Annotated[str, Field(description="The movie's id at that provider.", examples=["cw0076759"])]
    price: Annotated[str, Field(description="A decimal number, exact.", examples=["24.50"])]
    fetched_at: Instant
    stale: Annotated[
        bool, Field(description="Whether this is the last known price of one that did not answer.", examples=[False])
    ]


class Offer(TypedDict):
    """A movie that providers sell."""

    id: Annotated[str, Field(examples=["mof_7262193846145030"])]
    title: Annotated[str, Field(examples=["Star Wars"])]
    year: Annotated[str | None, Field(examples=["1977"])]
    poster: Annotated[str | None, Field(examples=["https://images.example.org/star-wars.jpg"])]
    prices: Annotated[list[Price], Field(description="One for each provider that sells it, cheapest first.")]
    cheapest: Annotated[Price | None, Field(description="The first of them.")]


class OfferPage(TypedDict):
    """A page of offers."""

    offers: list[Offer]
    metadata: PageMetadata


class OfferAnswer(TypedDict):
    """The offer."""

    offer: Offer


class Export(TypedDict):
    """A CSV of every movie seen at the providers within 24 hours."""

    id: Annotated[str, Field(examples=["exp_7262193846145031"])]
    status: Annotated[ExportStatus, Field(examples=["completed"])]
    row_count: Annotated[int | None, Field(description="Rows written so far.", examples=[1200])]
    attempts: Annotated[int, Field(description="How often it was begun.", examples=[1])]
    download_url: Annotated[
        str | None,
        Field(
            description="Where the file is, once completed, until it expires.",
            examples=["https://cinema.example.org/v1/exports/exp_7262193846145031/movies.csv"],
        ),
    ]
    error: Annotated[str | None, Field(description="Why the last attempt failed.", examples=[None])]
    created_at: Instant
    completed_at: LaterInstant
    expires_at: LaterInstant


class ExportAnswer(TypedDict):
    """The export as it is now."""

    export: Export
