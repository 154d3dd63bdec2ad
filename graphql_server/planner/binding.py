"""Arguments of one request, as the statement's parameters and as what decides about its text."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from graphql.execution.values import VariableValues

from db import ids, paging
from db.cursors import CursorCodec
from db.paging import Listing, Window
from graphql_server.planner.arguments import Given
from graphql_server.planner.outline import Site, Unplanned
from resolvers import nodes
from resolvers.planned_reads import Arguments, ListPage, NodeRow, RowById

CURSORS: Final = ("after", "before")
FIRST_PAGE: Final = Window()


class Bound(NamedTuple):
    """The arguments of one site, bound for one request."""

    # Equal for all requests that the same statement answers.
    shape: Hashable
    parameters: Mapping[str, Any] = {}
    # Of the row that a site names.
    identity: int = 0
    listing: Listing[Any] | None = None
    window: Window = FIRST_PAGE


@dataclass(slots=True)
class Request:
    """What sites are bound to."""

    viewer_id: int | None
    cursors: CursorCodec
    most_ids: int
    variables: VariableValues | None = None
    given: Given = ()


def is_fixed(site: Site) -> bool:
    """Return whether a site is bound alike for every request; one with a cursor is not, because the server's keys check it."""
    names = {argument.name.value for argument in site.node.arguments or ()}
    return not site.has_variables and names.isdisjoint(CURSORS)


def bind_site(site: Site, request: Request, before: Sequence[Bound] | None) -> Bound:
    """Return a site bound for a request; raise Unplanned, or the refusal that the executor will raise too.

    `before` are the bound sites that come before it; None for a site that is bound alike for every request.
    """
    arguments = site.read_arguments(request.variables, request.given)
    match site.reads:
        case RowById(prefix=prefix):
            identity = ids.expect(prefix, arguments["id"], "id")
            return Bound(None, {"id": identity}, identity)
        case NodeRow(is_list=True):
            return _bind_nodes(arguments, request)
        case NodeRow():
            kind, identity = nodes.expect_node_id(arguments["id"], "id")
            return Bound(kind, {"id": identity}, identity)
        case ListPage() as page:
            return _bind_page(site, page, arguments, request, before)


def list_prefixes(bound: Bound) -> tuple[str, ...]:
    """Return the kinds of ids that `node` or `nodes` asks for."""
    return tuple(bound.shape) if isinstance(bound.shape, tuple) else (str(bound.shape),)


def _bind_nodes(arguments: Arguments, request: Request) -> Bound:
    asked = arguments["ids"]
    if len(asked) > request.most_ids:
        raise Unplanned("there are too many ids")
    found = [nodes.expect_node_id(public_id, "ids") for public_id in asked]
    kinds, identities = [kind for kind, _ in found], [identity for _, identity in found]
    return Bound(tuple(sorted(set(kinds))), {"kinds": kinds, "ids": identities})


def _bind_page(
    site: Site, page: ListPage, arguments: Arguments, request: Request, before: Sequence[Bound] | None
) -> Bound:
    window = paging.make_window(*(arguments.get(name) for name in ("first", "after", "last", "before")))
    listing = page.bind(arguments, _find_owner_id(site, request, before))
    shape = (listing.build, listing.names, listing.sort, paging.make_bounds(window))
    parameters = listing.parameters
    parameters.pop(listing.parent if site.owner else "", None)
    if window.after is None and window.before is None:
        return Bound(shape, parameters, listing=listing, window=window)
    if site.owner is not None and not site.owner.is_known:
        # A cursor belongs to one parent's list.
        raise Unplanned(f"{site.key} has a cursor below a list")
    if page.is_private and _find_owner_id(site, request, before) != request.viewer_id:
        raise Unplanned(f"{site.key} has a cursor of somebody else's list")
    parameters |= paging.decode_cursors(listing, request.cursors, window)
    return Bound(shape, parameters, listing=listing, window=window)


def _find_owner_id(site: Site, request: Request, before: Sequence[Bound] | None) -> int:
    if before is None or site.owner is None or not site.owner.is_known:
        return 0
    if site.owner.site is not None:
        return before[site.owner.site].identity
    return request.viewer_id or 0


def change_parent(listing: Listing[Any], parent_id: int) -> Listing[Any]:
    """Return the same list of another parent."""
    return replace(listing, values={**listing.values, listing.parent: parent_id})
