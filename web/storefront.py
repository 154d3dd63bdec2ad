"""Serves the storefront: one document for the addresses of all pages, and the modules and styles that it loads."""

import gzip
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from edge import http_cache
from edge.addresses import find_base_path
from edge.content_encoding import accepts_gzip, read_weights

ASSETS_PATH: Final = "/assets/storefront"
FOLDER: Final = Path(__file__).parent / "static" / "storefront"
SHELL: Final = "index.html"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# Modules that the first page imports, preloaded: a browser would find them only one after the other.
FIRST: Final = (
    "api.js",
    "dom.js",
    "films.js",
    "format.js",
    "lists.js",
    "poster.js",
    "router.js",
    "session.js",
    "states.js",
    "wording.js",
)
# The addresses of pages. None of them is an address of REST.
PAGES: Final = (
    "/",
    "/film/{id}",
    "/book/{id}",
    "/booking/{id}",
    "/my/bookings",
    "/my/collections",
    "/my/collections/{id}",
    "/account",
    "/tickets",
    "/tickets/{id}",
    "/prices",
)
YEAR: Final = 365 * 86_400
# Every GraphQL document is a constant text behind this mark.
DOCUMENT: Final = re.compile(r"gql`([^`]*)`")
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}
HEADERS: Final = {
    "Cache-Control": "no-cache",
    # Images may come from any https address, for staff choose where a poster is; scripts and styles may not.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    **NOSNIFF,
}


@dataclass(frozen=True, slots=True)
class Shell:
    """The document of all pages, and its ETag."""

    body: bytes
    tag: str


def list_documents() -> list[str]:
    """Return the GraphQL documents that the pages send, exactly as they send them."""
    return [text for file in sorted(FOLDER.glob("*.js")) for text in DOCUMENT.findall(file.read_text(encoding="utf-8"))]


def routes(*, exists: Callable[[Request], Awaitable[bool]]) -> list[BaseRoute]:
    """Return the routes of the pages and of the files that they load; a page for which `exists` is false has status 404."""

    async def existing_page(request: Request) -> Response:
        return await serve_page(request) if await exists(request) else serve_missing_page(request)

    return [
        *(Route(path, existing_page, methods=["GET"]) for path in PAGES),
        Route(f"{ASSETS_PATH}/{{version}}/{{name}}", serve_asset, methods=["GET"], name="storefront-asset"),
    ]


async def serve_page(request: Request) -> Response:
    """Answer the document, or 304 where the browser has it already."""
    found = find_shell(request)
    headers = {**HEADERS, "ETag": found.tag}
    if http_cache.matches_tag(found.tag, request.headers.getlist("if-none-match")):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type="text/html")


def serve_missing_page(request: Request) -> Response:
    """Answer the document with status 404; its script shows that there is no such page."""
    found = find_shell(request)
    return Response(found.body, status_code=404, headers=HEADERS, media_type="text/html")


def wants_page(request: Request) -> bool:
    """Return whether an unknown address was opened in a browser, and is not below an address of the API."""
    routes = [route.path for route in request.app.routes if isinstance(route, Route) and route.path not in PAGES]
    is_below_api = read_first_part(request.scope["path"]) in set(map(read_first_part, routes))
    weights = read_weights(request.headers.get("accept", ""))
    wants_html = weights.get("text/html", 0.0) > weights.get("application/json", 0.0)
    return request.method in ("GET", "HEAD") and wants_html and not is_below_api


def read_first_part(path: str) -> str:
    """Return the first part of a path: v1 of /v1/movies, empty for the `*` of OPTIONS."""
    return path.removeprefix("*").removeprefix("/").partition("/")[0]


async def serve_asset(request: Request) -> Response:
    """Answer a file: immutable under the address of its own version, to be revalidated under that of another one."""
    path = FOLDER / request.path_params["name"]
    if path.parent != FOLDER or path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404)
    same = request.path_params["version"] == compute_version()
    age = f"public, max-age={YEAR}, immutable" if same else "no-cache"
    packs = accepts_gzip(request.headers.get("accept-encoding", ""))
    headers = {
        "Cache-Control": age,
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": "gzip"} if packs else {}),
        **NOSNIFF,
    }
    body = read_content(path, path.stat().st_mtime_ns, packed=packs)
    return Response(body, headers=headers, media_type=TYPES[path.suffix])


@lru_cache(maxsize=128)
def read_content(path: Path, _modified: int, *, packed: bool) -> bytes:
    """Return the bytes of a file, compressed by gzip if `packed`."""
    found = path.read_bytes()
    return gzip.compress(found, mtime=0) if packed else found


def compute_version() -> str:
    """Return a digest of all files, so that a page loads modules of one version only."""
    return _version(tuple(sorted((path.name, path.stat().st_mtime_ns) for path in FOLDER.iterdir())))


@lru_cache(maxsize=8)
def _version(files: tuple[tuple[str, int], ...]) -> str:
    digest = sha256()
    for name, _modified in files:
        digest.update(name.encode() + b"\0" + (FOLDER / name).read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def find_shell(request: Request) -> Shell:
    """Return the document as this server's settings have it."""
    settings = request.state.services.settings
    return make_shell(str(settings.timezone), compute_version(), base=find_base_path(settings.public_url))


@lru_cache(maxsize=8)
def make_shell(timezone: str, version: str, *, base: str) -> Shell:
    """Return the document for cinemas in this timezone, with the addresses of this version of the files below `base`."""
    assets = f"{base}{ASSETS_PATH}/{version}"
    preloads = "\n".join(f'<link rel="modulepreload" href="{assets}/{name}">' for name in FIRST)
    text = (FOLDER / SHELL).read_text(encoding="utf-8")
    values = {"timezone": escape(timezone), "assets": assets, "preloads": preloads, "base": escape(base)}
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    body = text.encode()
    return Shell(body, f'"{sha256(body).hexdigest()[:24]}"')
