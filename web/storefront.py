"""The storefront: one document for every address of its pages, and the modules and the style that it loads."""

import gzip
import re
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

from edge.content_encoding import accepts_gzip

ASSETS_PATH: Final = "/assets/storefront"
FOLDER: Final = Path(__file__).parent / "static" / "storefront"
SHELL: Final = "index.html"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# What the first page needs besides main.js; a browser would find it only one module after the other.
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
# The addresses of pages. None of them is an address of REST: those answer programs, in JSON.
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
# Every document is written down whole, behind this mark.
DOCUMENT: Final = re.compile(r"gql`([^`]*)`")
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}
HEADERS: Final = {
    "Cache-Control": "no-cache",
    # Pictures may come from where staff say that a poster is; nothing that runs or styles may.
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
    """The document that every page begins with, and what a browser knows it by."""

    body: bytes
    tag: str


def documents() -> list[str]:
    """Return the GraphQL documents that the pages send, to the letter."""
    return [text for file in sorted(FOLDER.glob("*.js")) for text in DOCUMENT.findall(file.read_text(encoding="utf-8"))]


def routes() -> list[BaseRoute]:
    """Return the pages, and the files that they load."""
    return [
        *(Route(path, page, methods=["GET"]) for path in PAGES),
        Route(f"{ASSETS_PATH}/{{version}}/{{name}}", asset, methods=["GET"], name="storefront-asset"),
    ]


async def page(request: Request) -> Response:
    """Answer the document, or 304 where the browser has it already; its script looks at the address."""
    found = shell(str(request.state.services.settings.timezone), version())
    headers = {**HEADERS, "ETag": found.tag}
    if found.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.body, headers=headers, media_type="text/html")


async def asset(request: Request) -> Response:
    """Answer a file; for good under the version that it belongs to, under an older one only until the next question."""
    path = FOLDER / request.path_params["name"]
    if path.parent != FOLDER or path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404)
    same = request.path_params["version"] == version()
    age = f"public, max-age={YEAR}, immutable" if same else "no-cache"
    packs = accepts_gzip(request.headers.get("accept-encoding", ""))
    headers = {
        "Cache-Control": age,
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": "gzip"} if packs else {}),
        **NOSNIFF,
    }
    body = content(path, path.stat().st_mtime_ns, packed=packs)
    return Response(body, headers=headers, media_type=TYPES[path.suffix])


@lru_cache(maxsize=128)
def content(path: Path, _modified: int, *, packed: bool) -> bytes:
    """Return what a file holds; packed, all of them together are a third as large."""
    found = path.read_bytes()
    return gzip.compress(found, mtime=0) if packed else found


def version() -> str:
    """Return what changes with any of the files, so that modules which belong together are loaded together."""
    return _version(tuple(sorted((path.name, path.stat().st_mtime_ns) for path in FOLDER.iterdir())))


@lru_cache(maxsize=8)
def _version(files: tuple[tuple[str, int], ...]) -> str:
    digest = sha256()
    for name, _modified in files:
        digest.update(name.encode() + b"\0" + (FOLDER / name).read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@lru_cache(maxsize=8)
def shell(timezone: str, version: str) -> Shell:
    """Return the document for cinemas in this timezone, with the addresses of this version of its files."""
    assets = f"{ASSETS_PATH}/{version}"
    preloads = "\n".join(f'<link rel="modulepreload" href="{assets}/{name}">' for name in FIRST)
    text = (FOLDER / SHELL).read_text(encoding="utf-8")
    for name, value in (("timezone", escape(timezone)), ("assets", assets), ("preloads", preloads)):
        text = text.replace(f"{{{name}}}", value)
    body = text.encode()
    return Shell(body, f'"{sha256(body).hexdigest()[:24]}"')
