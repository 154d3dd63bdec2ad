"""Children by their parent, page by page: one statement for all parents that are asked for the same page."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiodataloader import DataLoader

from db import paging
from db.cursors import CursorCodec, fingerprint
from db.engine import Reading
from db.paging import Listing, Page, Window


@dataclass(frozen=True, slots=True)
class Children:
    """The list that hangs on one parent."""

    fingerprint: bytes
    listing: Listing[Any] = field(compare=False)

    @property
    def parent_id(self) -> int:
        """The id of the parent."""
        identity: int = self.listing.values[self.listing.parent]
        return identity

    @property
    def siblings(self) -> bytes:
        """What lists that differ in their parent only have in common."""
        one = self.listing
        rest = {name: value for name, value in one.values.items() if name != one.parent}
        return fingerprint(f"{one.name} by {one.parent}", {**rest, "sort": one.sort or None})


def children(listing: Listing[Any]) -> Children:
    """Return the key of a parent's list."""
    return Children(listing.fingerprint, listing)


Asked = tuple[Children, Window]


def page_by_parent(source: Reading, codec: CursorCodec) -> DataLoader[Asked, Page[Any]]:
    """Return the loader of pages; a cursor that is not its parent's own fails there and nowhere else."""

    async def load_group(group: Sequence[Asked]) -> dict[Asked, Any]:
        one, window = group[0]
        # A cursor belongs to one parent's list: no two parents can share a page that begins at one.
        if len(group) == 1 or window.after is not None or window.before is not None:
            pages = [paging.page(source, codec, each.listing, window) for each, _ in group]
            return dict(zip(group, await asyncio.gather(*pages, return_exceptions=True), strict=True))
        listings = {each.parent_id: each.listing for each, _ in group}
        found = await paging.pages(source, codec, listings, one.listing.parent, window)
        return {asked: found[asked[0].parent_id] for asked in group}

    async def load(asked: Sequence[Asked]) -> list[Any]:
        groups: defaultdict[tuple[bytes, Window], list[Asked]] = defaultdict(list)
        for each in asked:
            groups[each[0].siblings, each[1]].append(each)
        found: dict[Asked, Any] = {}
        for pages in await asyncio.gather(*map(load_group, groups.values())):
            found |= pages
        return [found[each] for each in asked]

    return DataLoader(load)


def count_by_parent(source: Reading) -> DataLoader[Children, int]:
    """Return the loader of the number of rows in whole lists."""

    async def load_group(group: Sequence[Children]) -> dict[Children, int]:
        one = group[0]
        if len(group) == 1:
            return {one: await paging.count(source, one.listing)}
        listings = {each.parent_id: each.listing for each in group}
        found = await paging.counts(source, listings, one.listing.parent)
        return {each: found[each.parent_id] for each in group}

    async def load(asked: Sequence[Children]) -> list[int]:
        groups: defaultdict[bytes, list[Children]] = defaultdict(list)
        for each in asked:
            groups[each.siblings].append(each)
        found: dict[Children, int] = {}
        for counted in await asyncio.gather(*map(load_group, groups.values())):
            found |= counted
        return [found[each] for each in asked]

    return DataLoader(load)
