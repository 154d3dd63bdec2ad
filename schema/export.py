"""Exports of prices."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import Parent

from db import models
from resolvers import exports
from schema.connection import Info
from schema.node import Node


@strawberry.enum(description="What an export can be.")
class ExportStatus(Enum):
    """The values are those of the rows."""

    QUEUED = strawberry.enum_value("queued", description="It waits for a worker, for the first time or again.")
    RUNNING = strawberry.enum_value("running", description="It is being written.")
    COMPLETED = strawberry.enum_value("completed", description="Its file can be downloaded.")
    FAILED = strawberry.enum_value("failed", description="It was tried too often, and there is no file.")
    EXPIRED = strawberry.enum_value("expired", description="Its file is no longer kept.")


@strawberry.type(description="A CSV of every movie seen at the providers within 24 hours.")
class MovieExport(Node, row=models.MovieExport, prefix="exp"):
    status: ExportStatus = strawberry.field(description="What it is at this moment.")
    row_count: int | None = strawberry.field(description="Rows written so far; null until it is begun.")
    attempts: int = strawberry.field(description="How often it was begun.")
    error: str | None = strawberry.field(description="Why the last attempt failed.")
    created_at: datetime = strawberry.field(description="When it was requested.")
    completed_at: datetime | None = strawberry.field(description="Null until then.")
    expires_at: datetime | None = strawberry.field(description="When its file goes; null until it is completed.")

    @strawberry.field(description="Where the CSV can be downloaded, once completed, until `expiresAt`.")
    @staticmethod
    def download_url(root: Parent[models.MovieExport], info: Info) -> str | None:
        """An absolute address; it needs the viewer's token."""
        completed = root.status == models.ExportStatus.COMPLETED
        return exports.format_download_url(info.context, root) if completed else None
