"""Prices of two providers, side by side."""

from datetime import datetime
from decimal import Decimal
from enum import Enum

import strawberry
from strawberry import Parent

from db import models
from domain import offer
from resolvers import offers
from schema.connection import Info
from schema.node import Node


@strawberry.type(description="What a movie costs at a provider.")
class ProviderPrice:
    """The source is a price."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a source is one of these."""
        return isinstance(source, offer.Price)

    provider: str = strawberry.field(description="The provider's name.")
    provider_movie_id: str = strawberry.field(description="The movie's id at that provider.")
    price: Decimal = strawberry.field(description="Exact, as the provider tells it.")

    @strawberry.field(description="The currency of the price, as an ISO 4217 code such as EUR.")
    @staticmethod
    def currency(_root: Parent[offer.Price], info: Info) -> str:
        return info.context.services.settings.currency

    fetched_at: datetime = strawberry.field(description="When it was told.")
    stale: bool = strawberry.field(
        description="True where the provider did not answer now and this is its last known price."
    )


@strawberry.type(description="A movie that providers sell.")
class MovieOffer(Node, row=models.MovieOffer, prefix="mof"):
    title: str = strawberry.field(description="Its title.")
    year: str | None = strawberry.field(description="When it came out, where a provider tells.")
    poster: str | None = strawberry.field(description="Address of an image, where a provider tells.")

    @strawberry.field(
        graphql_type=list[ProviderPrice], description="One for each provider that sells it, cheapest first."
    )
    @staticmethod
    async def prices(root: Parent[models.MovieOffer], info: Info) -> list[offer.Price]:
        return await offers.load_prices(info.context, root)

    @strawberry.field(graphql_type=ProviderPrice | None, description="The first of the prices.")
    @staticmethod
    async def cheapest(root: Parent[models.MovieOffer], info: Info) -> offer.Price | None:
        found = await offers.load_prices(info.context, root)
        return found[0] if found else None


@strawberry.enum(description="How a provider does.")
class ProviderState(Enum):
    """The values are those of the rules."""

    UP = strawberry.enum_value("up", description="It answered when it was asked last.")
    DEGRADED = strawberry.enum_value("degraded", description="It did not answer when it was asked last.")
    DOWN = strawberry.enum_value("down", description="It has not answered several times in a row, or never.")


@strawberry.type(description="A provider of prices, as it did when it was asked last.")
class ProviderStatus:
    """The source is a Standing of domain/offer.py."""

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a source is one of these."""
        return isinstance(source, offer.Standing)

    name: str = strawberry.field(description="What it is called in prices, and in `publishMovie`.")
    state: ProviderState = strawberry.field(description="How it does.")

    @strawberry.field(description="When it answered last; null if never.")
    @staticmethod
    def last_success_at(root: Parent[offer.Standing]) -> datetime | None:
        """By the database's clock."""
        return root.answered_at

    @strawberry.field(description="What went wrong last; null if nothing ever did.")
    @staticmethod
    def last_error(root: Parent[offer.Standing]) -> str | None:
        """Our own text, never the provider's."""
        return root.last_error
