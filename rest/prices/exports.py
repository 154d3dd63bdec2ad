"""Exports: request one, follow it, and download its file."""

from typing import Final

from starlette.responses import Response, StreamingResponse

import errors
from db import ids
from db.models import ExportStatus, MovieExport
from domain import export
from edge import addresses, http_cache
from rest.endpoint import Call, Caller, Endpoint, render_json
from rest.payloads import EmptyBody, Query
from rest.prices import payloads

TAG: Final = "Exports"
CSV: Final = "text/csv; charset=utf-8"


async def request_export(call: Call[EmptyBody]) -> Response:
    """Answer a new export, which a worker will write."""
    async with call.services.database.transaction() as tx:
        made = await export.request_export(tx, user_id=call.user_id)
    headers = {"Cache-Control": http_cache.PRIVATE, "Location": f"/v1/exports/{ids.encode('exp', made.id)}"}
    return render_json(render_export(made, base=call.base_url), status=202, headers=headers)


async def get_export(call: Call[Query]) -> Response:
    """Answer an export as it is now; from the primary, where its progress is."""
    found = await find_export(call)
    return render_json(render_export(found, base=call.base_url))


async def download_export(call: Call[Query]) -> Response:
    """Answer the file of an export as it comes out of the store."""
    found = await find_export(call)
    export.require_file(found)
    name = export.name_file(found.id)
    content = await call.services.store.read(name)
    if content is None:
        raise errors.ExportGone
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(content, headers=headers, media_type=CSV)


async def find_export(call: Call[Query]) -> MovieExport:
    """Return the export of the path, if the caller may see it."""
    database = call.services.database
    return await export.find_visible_export(database.primary, call.read_path_id("export_id"), user_id=call.user_id)


def render_export(row: MovieExport, *, base: str) -> payloads.ExportAnswer:
    """Return an export as it is answered."""
    identity = ids.encode("exp", row.id)
    completed = row.status == ExportStatus.COMPLETED
    return {
        "export": {
            "id": identity,
            "status": row.status,
            "row_count": row.row_count,
            "attempts": row.attempts,
            "download_url": addresses.make_absolute(export.format_download_path(row.id), base=base)
            if completed
            else None,
            "error": row.error,
            "created_at": row.created_at,
            "completed_at": row.completed_at,
            "expires_at": row.expires_at,
        }
    }


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/v1/exports",
        answer=request_export,
        takes=EmptyBody,
        caller=Caller.SIGNED_IN,
        answers={202: payloads.ExportAnswer},
        headers=("Location",),
        tag=TAG,
        summary="Request an export",
        description="A CSV of every movie seen at the providers in the last 24 hours. Its progress is at `Location`.",
    ),
    Endpoint(
        method="GET",
        path="/v1/exports/{export_id}",
        answer=get_export,
        takes=Query,
        caller=Caller.SIGNED_IN,
        answers={200: payloads.ExportAnswer},
        tag=TAG,
        summary="Follow an export",
        description="The caller's own exports; staff see all.",
    ),
    Endpoint(
        method="GET",
        path="/v1/exports/{export_id}/movies.csv",
        answer=download_export,
        takes=Query,
        caller=Caller.SIGNED_IN_HERE,
        answers={200: payloads.Csv},
        media="text/csv",
        refusals=(errors.ExportNotReady(), errors.ExportGone(), errors.UpstreamUnavailable()),
        headers=("Content-Disposition",),
        tag=TAG,
        summary="Download an export",
        description="No cell begins a spreadsheet formula: such a text has an apostrophe before it.",
    ),
)
