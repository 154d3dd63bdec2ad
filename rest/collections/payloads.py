"""Bodies and parameters of the collections surface, each with its refusal (docs/contract/collections.md)."""

import re
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from db import ids
from domain import collection, user
from domain.collection import CatalogueMovie
from domain.text import EMPTY, INVISIBLE, has_visible
from errors import InvalidInput, InvalidUsername
from rest.credentials import NewPassword, Password
from rest.payloads import NO_NUL, UNSEEN_CLASS, Checked, Cursor, Payload, Query, Unfit, optional_field, refuse_as

A_UUID: Final = "must be a UUID such as 57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"
A_PAGE: Final = "must be the number of a page"


def parse_uuid(value: object) -> UUID:
    """Return the UUID in its one usual spelling, in any case."""
    if not isinstance(value, str) or not ids.UUID_SPELLING.fullmatch(value):
        raise Unfit(InvalidInput, problem=A_UUID)
    return UUID(value)


def parse_page_number(value: object) -> object:
    """Return the number that a parameter spells; one that no catalogue is long enough for is a number all the same."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,100}", value, re.ASCII) else value


def require_visible(text: str) -> str:
    """Return the text; raise Unfit where a reader sees nothing of it."""
    if not has_visible(text):
        raise Unfit(InvalidInput, problem=INVISIBLE if text.strip() else EMPTY)
    return text


NOT_BLANK: Final = Checked(require_visible, pattern=rf"^[^\u0000]*[^{UNSEEN_CLASS}][^\u0000]*$", minLength=1)
Title = Annotated[str, Field(max_length=collection.LONGEST_TITLE, examples=["Rainy Sundays"]), NO_NUL, NOT_BLANK]
Description = Annotated[
    str, Field(max_length=collection.LONGEST_DESCRIPTION, examples=["What I watch when it rains."]), NO_NUL
]


class Account(Payload):
    """The username and the password of the account to create."""

    username: Annotated[
        str,
        Field(
            json_schema_extra={"minLength": 1, "maxLength": 150},
            description="Letters, digits and @ . + - _, compared without regard to case.",
            examples=["ada"],
        ),
        AfterValidator(user.check_username),
        refuse_as(InvalidUsername),
    ]
    password: NewPassword


class Login(Payload):
    """The username and the password of an account."""

    username: Annotated[str, Field(examples=["ada"]), NO_NUL]
    password: Password


class ChosenMovie(Payload):
    """A movie of the catalogue, as `/movies/` answers it."""

    title: Annotated[
        str,
        Field(max_length=collection.LONGEST_MOVIE_TITLE, examples=["Les Vacances de M. Hulot"]),
        NO_NUL,
        NOT_BLANK,
    ]
    description: Annotated[
        Annotated[str, Field(max_length=collection.LONGEST_MOVIE_DESCRIPTION), NO_NUL] | None,
        Field(examples=["A gentleman by the sea."]),
    ] = ""
    genres: Annotated[
        Annotated[str, Field(max_length=collection.LONGEST_GENRES), NO_NUL] | None,
        Field(description="Separated by commas.", examples=["Comedy"]),
    ] = ""
    uuid: Annotated[
        UUID,
        Field(examples=["57baf4f4-c9ef-4197-9e4f-acf04eae5b4d"]),
        BeforeValidator(parse_uuid),
    ]

    def build_movie(self) -> CatalogueMovie:
        """Return the movie as the rules know it."""
        return CatalogueMovie(self.uuid, self.title, self.description or "", self.genres or "")


class CreateCollection(Payload):
    """A new collection."""

    title: Title
    description: Description = ""
    movies: Annotated[list[ChosenMovie], Field(default_factory=list, description="The same movie twice counts once.")]


class UpdateCollection(Payload):
    """The fields to change; `movies`, where given, replaces the list."""

    title: Title = optional_field()
    description: Description = optional_field()
    movies: Annotated[list[ChosenMovie], Field(default_factory=list)]


class CatalogueQuery(Query):
    """The page of the catalogue to return."""

    page: Annotated[
        int,
        Field(description="Ten movies each; the first is 1.", examples=[2]),
        BeforeValidator(parse_page_number),
        refuse_as(InvalidInput, problem=A_PAGE),
    ] = 1


class CollectionsQuery(Query):
    """The part of a very long list to return."""

    cursor: Annotated[
        Cursor | SkipJsonSchema[None],
        Field(description="From the `next` of the `Link` header, which stands where there are more than 1000."),
    ] = None
