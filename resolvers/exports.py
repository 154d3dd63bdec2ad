"""Exports: the viewer's own exports, and all of them for staff."""

from db import ids
from db.models import MovieExport
from domain import export
from edge import addresses
from errors import ExportNotFound
from resolvers.context import Context


async def export_by_id(context: Context, public_id: str) -> MovieExport | None:
    """Return an export that the viewer may see."""
    return await find_visible_export(context, ids.expect("exp", public_id, "id"))


async def find_visible_export(context: Context, export_id: int) -> MovieExport | None:
    """Return an export of the viewer, or any export for staff."""
    if context.actor is None:
        return None
    try:
        return await export.find_visible_export(context.database.primary, export_id, user_id=context.actor.user_id)
    except ExportNotFound:
        return None


async def request_export(context: Context) -> MovieExport:
    """Return the viewer's new export."""
    user_id = context.user_id
    async with context.database.transaction() as tx:
        return await export.request_export(tx, user_id=user_id)


def format_download_url(context: Context, row: MovieExport) -> str:
    """Return the address of a completed export's file."""
    return addresses.make_absolute(export.format_download_path(row.id), base=context.base)
