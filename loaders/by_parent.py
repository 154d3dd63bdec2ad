"""Loads pages of children by parent: one statement for all parents whose same page is asked for."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiodataloader import DataLoader

from db import paging
from db.cursors import CursorCodec, compute_fingerprint
from db.engine import StatementRunner
from db.paging import Listing, Page, Window
from loaders.shielded import ShieldedLoader


@dataclass(frozen=True, slots=True)
class ListKey:
    """The key of one parent's list."""

    fingerprint: bytes
    listing: Listing[Any] = field(compare=False)

    @property
    def parent_id(self) -> int:
        """The id of the parent."""
        identity: int = self.listing.values[self.listing.parent]
        return identity

    @property
    def siblings(self) -> bytes:
        """A fingerprint that lists have in common which differ only in their parent."""
        one = self.listing
        rest = {name: value for name, value in one.values.items() if name != one.parent}
        return compute_fingerprint(f"{one.name} by {one.parent}", {**rest, "sort": one.sort or None})


def make_list_key(listing: Listing[Any]) -> ListKey:
    """Return the key of a parent's list."""
    return ListKey(listing.fingerprint, listing)


PageKey = tuple[ListKey, Window]


def page_by_parent(source: StatementRunner, codec: CursorCodec) -> DataLoader[PageKey, Page[Any]]:
    """Return the loader of pages; a cursor of another list fails its own page and no other."""

    async def load_group(group: Sequence[PageKey]) -> dict[PageKey, Any]:
        one, window = group[0]
        # A cursor belongs to one parent's list, so parents cannot share a page that begins at a cursor.
        if len(group) == 1 or window.after is not None or window.before is not None:
            pages = [paging.read_page(source, codec, each.listing, window) for each, _ in group]
            return dict(zip(group, await asyncio.gather(*pages, return_exceptions=True), strict=True))
        listings = {each.parent_id: each.listing for each, _ in group}
        found = await paging.read_pages(source, codec, listings, one.listing.parent, window)
        return {key: found[key[0].parent_id] for key in group}

    async def load(keys: Sequence[PageKey]) -> list[Any]:
        groups: defaultdict[tuple[bytes, Window], list[PageKey]] = defaultdict(list)
        for each in keys:
            groups[each[0].siblings, each[1]].append(each)
        found: dict[PageKey, Any] = {}
        for pages in await asyncio.gather(*map(load_group, groups.values())):
            found |= pages
        return [found[each] for each in keys]

    return ShieldedLoader(load)


def count_by_parent(source: StatementRunner) -> DataLoader[ListKey, int]:
    """Return the loader of total counts of lists."""

    async def load_group(group: Sequence[ListKey]) -> dict[ListKey, int]:
        one = group[0]
        if len(group) == 1:
            return {one: await paging.count_rows(source, one.listing)}
        listings = {each.parent_id: each.listing for each in group}
        found = await paging.count_rows_by_parent(source, listings, one.listing.parent)
        return {each: found[each.parent_id] for each in group}

    async def load(keys: Sequence[ListKey]) -> list[int]:
        groups: defaultdict[bytes, list[ListKey]] = defaultdict(list)
        for each in keys:
            groups[each.siblings].append(each)
        found: dict[ListKey, int] = {}
        for counted in await asyncio.gather(*map(load_group, groups.values())):
            found |= counted
        return [found[each] for each in keys]

    return ShieldedLoader(load)
