"""The variables of third parties: their addresses and credentials."""

from typing import Annotated

from config import variables
from config.variables import Variable

CatalogueUrl = Annotated[
    str | None,
    Variable(
        "MATINEE_CATALOGUE_URL",
        variables.read_list_address,
        shown_default="a stand-in; in production none",
        meaning="the third-party catalogue's list of movies, at its own address",
        example="https://catalogue.example.org/api/v1/maya/movies/",
        # Somebody may put the password into it.
        secret=True,
    ),
]
CatalogueUser = Annotated[
    str | None,
    Variable(
        "MATINEE_CATALOGUE_USER",
        variables.read_user_name,
        meaning="user name for the catalogue's basic authentication",
        example="matinee",
    ),
]
CataloguePassword = Annotated[
    str | None,
    Variable(
        "MATINEE_CATALOGUE_PASSWORD",
        variables.read_credential,
        meaning="password for the catalogue's basic authentication",
        example="…",
        secret=True,
    ),
]
CinemaworldUrl = Annotated[
    str | None,
    Variable(
        "MATINEE_CINEMAWORLD_URL",
        variables.read_web_address,
        shown_default="a stand-in; in production none",
        meaning="base of the price provider Cinemaworld: `/movies`, `/movies/{id}` and `/movie` are below it",
        example="https://prices.example.org/dev/cinemaworld",
        secret=True,
    ),
]
CinemaworldToken = Annotated[
    str | None,
    Variable(
        "MATINEE_CINEMAWORLD_TOKEN",
        variables.read_credential,
        meaning="sent to Cinemaworld as `x-access-token`",
        example="…",
        secret=True,
    ),
]
FilmworldUrl = Annotated[
    str | None,
    Variable(
        "MATINEE_FILMWORLD_URL",
        variables.read_web_address,
        shown_default="a stand-in; in production none",
        meaning="base of the price provider Filmworld, in the same way",
        example="https://prices.example.org/dev/filmworld",
        secret=True,
    ),
]
FilmworldToken = Annotated[
    str | None,
    Variable(
        "MATINEE_FILMWORLD_TOKEN",
        variables.read_credential,
        meaning="sent to Filmworld as `x-access-token`",
        example="…",
        secret=True,
    ),
]
