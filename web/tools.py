"""The pages for developers, GraphiQL and Swagger UI, served whole from this server so that they open without the internet."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

ASSETS_PATH = "/assets/tools"
INSTALL_COMMAND = "make tools"

_OURS = Path(__file__).parent / "static" / "tools"
_INSTALLED = Path(__file__).parent.parent / "node_modules"
_DAY = 86_400

# What may be fetched under ASSETS_PATH, by name; nothing else in these folders is served.
FILES = {
    "react.js": _INSTALLED / "react/umd/react.production.min.js",
    "react-dom.js": _INSTALLED / "react-dom/umd/react-dom.production.min.js",
    "graphiql.js": _INSTALLED / "graphiql/graphiql.min.js",
    "graphiql.css": _INSTALLED / "graphiql/graphiql.min.css",
    "explorer.js": _INSTALLED / "@graphiql/plugin-explorer/dist/index.umd.js",
    "explorer.css": _INSTALLED / "@graphiql/plugin-explorer/dist/style.css",
    "swagger-ui.js": _INSTALLED / "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui.css": _INSTALLED / "swagger-ui-dist/swagger-ui.css",
    "graphiql-examples.js": _OURS / "graphiql-examples.js",
    "graphiql-page.js": _OURS / "graphiql-page.js",
    "swagger-page.js": _OURS / "swagger-page.js",
    "tools.css": _OURS / "tools.css",
    "icon.svg": _OURS / "icon.svg",
}

# Styles may be inline because CodeMirror and Swagger UI set them; scripts may not, and nothing comes from elsewhere.
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Page:
    """A page made of styles and scripts out of FILES, in the order in which they load."""

    title: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


_GRAPHIQL = _Page(
    title="Matinee · GraphiQL",
    styles=("graphiql.css", "explorer.css", "tools.css"),
    scripts=(
        "react.js",
        "react-dom.js",
        "graphiql.js",
        "explorer.js",
        "graphiql-examples.js",
        "graphiql-page.js",
    ),
)
_SWAGGER = _Page(
    title="Matinee · REST API",
    styles=("swagger-ui.css", "tools.css"),
    scripts=("swagger-ui.js", "swagger-page.js"),
)


def routes(base: str = "") -> list[BaseRoute]:
    """Return Swagger UI at /docs and the files that both pages load; GraphiQL's own address is the GraphQL view's."""

    def docs(_: Request) -> Response:
        return _render(_SWAGGER, base)

    return [
        Route("/docs", docs, methods=["GET"], name="docs"),
        Route(f"{ASSETS_PATH}/{{name}}", _serve_asset, methods=["GET"], name="tool-asset"),
    ]


def make_graphiql_page(base: str = "") -> HTMLResponse:
    """Return GraphiQL, which talks to the address that it was loaded from; 503 with what to do where it is not installed."""
    return _render(_GRAPHIQL, base)


async def _serve_asset(request: Request) -> Response:
    path = FILES.get(request.path_params["name"])
    if path is None or not path.is_file():
        raise HTTPException(404)
    # The addresses in our pages carry the content's hash, so what they name never changes.
    age = f"max-age={365 * _DAY}, immutable" if "v" in request.query_params else "no-cache"
    return FileResponse(path, headers={"Cache-Control": f"public, {age}", "X-Content-Type-Options": "nosniff"})


def _render(page: _Page, base: str) -> HTMLResponse:
    missing = [name for name in (*page.styles, *page.scripts) if not FILES[name].is_file()]
    if missing:
        return HTMLResponse(
            _write_document(page, _write_missing(missing), base=base), status_code=503, headers=_HEADERS
        )
    styles = "".join(f'<link rel="stylesheet" href="{base}{_write_address(name)}">' for name in page.styles)
    scripts = "".join(f'<script src="{base}{_write_address(name)}" defer></script>' for name in page.scripts)
    return HTMLResponse(_write_document(page, '<div id="page"></div>', styles + scripts, base=base), headers=_HEADERS)


def _write_document(page: _Page, body: str, head: str = "", *, base: str) -> str:
    return (
        f'<!doctype html><html lang="en" data-base="{escape(base)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(page.title)}</title><link rel="icon" href="{base}{_write_address("icon.svg")}">{head}'
        f"</head><body>{body}</body></html>"
    )


def _write_missing(names: list[str]) -> str:
    return (
        "<h1>This page is not installed yet</h1>"
        f"<p>Run <code>{INSTALL_COMMAND}</code> in the project's folder, then load it again. "
        f"The API itself works without. Missing: {escape(', '.join(names))}.</p>"
    )


def _write_address(name: str) -> str:
    state = FILES[name].stat()
    return f"{ASSETS_PATH}/{name}?v={_fingerprint(name, state.st_mtime_ns, state.st_size)}"


@lru_cache(maxsize=64)
def _fingerprint(name: str, _modified: int, _size: int) -> str:
    # Time and size are in the key so that a newly installed file is read again.
    return sha256(FILES[name].read_bytes()).hexdigest()[:12]
