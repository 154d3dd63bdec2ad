"""Mutations about providers: a movie published there, and exports of their prices."""

import strawberry

from db import models
from resolvers import exports, offers
from resolvers.mutation_field import mutation
from schema.connection import Info
from schema.inputs import PublishMovieInput
from schema.payloads import MovieExportPayload, PublishMoviePayload


@strawberry.type
class PriceMutations:
    @mutation(
        PublishMoviePayload,
        "provider_movie_id",
        description="Sends a movie to a provider's own API. Staff only.",
        codes="PROVIDER_NOT_FOUND, INVALID_INPUT, UPSTREAM_UNAVAILABLE",
    )
    async def publish_movie(self, info: Info, input: PublishMovieInput) -> str:
        return await offers.publish_movie(
            info.context, input.provider, title=input.title, body=input.body, price=input.price
        )

    @mutation(
        MovieExportPayload,
        "export",
        description="Queues a CSV of every movie seen at the providers in the last 24 hours. For signed-in users; each sees their own exports, staff all.",
    )
    async def request_movie_export(self, info: Info) -> models.MovieExport:
        return await exports.request_export(info.context)
