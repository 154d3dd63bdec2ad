"""Answers of the collections surface (docs/contract/collections.md)."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

CollectionUuid = Annotated[
    str, Field(json_schema_extra={"format": "uuid"}, examples=["0325270c-8001-8000-84ad-e3bdb8cc9f5f"])
]
MovieTitle = Annotated[str, Field(examples=["Les Vacances de M. Hulot"])]
CollectionTitle = Annotated[str, Field(examples=["Rainy Sundays"])]
CollectionDescription = Annotated[str, Field(examples=["What I watch when it rains."])]


class AccessToken(TypedDict):
    """The token to send as `Authorization: Bearer …`."""

    access_token: Annotated[str, Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"])]


class CatalogueMovie(TypedDict):
    """A movie of the catalogue."""

    title: MovieTitle
    description: Annotated[str, Field(examples=["A gentleman by the sea."])]
    genres: Annotated[str, Field(description="Separated by commas; empty where there are none.", examples=["Comedy"])]
    uuid: Annotated[str, Field(json_schema_extra={"format": "uuid"}, examples=["57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"])]


class CataloguePage(TypedDict):
    """A page of the catalogue."""

    count: Annotated[int, Field(description="Movies of the whole catalogue.", examples=[226])]
    next: Annotated[
        str | None,
        Field(description="Address of the next page, if there is one.", examples=["http://localhost/movies/?page=3"]),
    ]
    previous: Annotated[
        str | None,
        Field(description="Address of the page before, if there is one.", examples=["http://localhost/movies/?page=1"]),
    ]
    data: list[CatalogueMovie]


class ListedCollection(TypedDict):
    """A collection without its movies."""

    title: CollectionTitle
    uuid: CollectionUuid
    description: CollectionDescription


class CollectionsOverview(TypedDict):
    """The caller's collections and favourite genres."""

    collections: list[ListedCollection]
    favourite_genres: Annotated[
        str,
        Field(
            description="Up to three, the most common first, over the movies of all collections.",
            examples=["Drama, Comedy, War"],
        ),
    ]


class Collections(TypedDict):
    """The caller's collections, and their favourite genres."""

    is_success: Annotated[bool, Field(examples=[True])]
    data: CollectionsOverview


class CreatedCollection(TypedDict):
    """The new collection."""

    collection_uuid: CollectionUuid


class Collection(TypedDict):
    """A collection with its movies."""

    title: CollectionTitle
    description: CollectionDescription
    movies: list[CatalogueMovie]


class RequestCount(TypedDict):
    """The number of requests that the server has served."""

    requests: Annotated[int, Field(description="Since the last reset, this request included.", examples=[42])]


class ResetRequestCount(TypedDict):
    """The request count was reset."""

    message: Annotated[str, Field(examples=["request count reset successfully"])]
