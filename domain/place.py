"""Places: staff create, change and delete them; each has one room."""

from typing import Final

from db import selects
from db.engine import Transaction
from db.models import Place
from domain import session
from domain.text import find_number_faults, find_text_faults
from errors import PlaceNotFound, Refusal, refuse

LONGEST_NAME: Final = 200
LONGEST_ADDRESS: Final = 500
LARGEST_CAPACITY: Final = 100_000

COLUMNS: Final = ", ".join(column.name for column in selects.list_columns(Place))
CREATE: Final = f"""
    INSERT INTO places (name, address, capacity) VALUES (%(name)s, %(address)s, %(capacity)s)
    RETURNING {COLUMNS}
"""
UPDATE: Final = f"""
    UPDATE places SET
        name = coalesce(%(name)s, name),
        address = coalesce(%(address)s, address),
        capacity = coalesce(%(capacity)s, capacity)
    WHERE id = %(id)s
    RETURNING {COLUMNS}
"""


async def create_place(tx: Transaction, *, name: str, address: str, capacity: int) -> Place:
    """Return the new place with `capacity` seats; raise all InvalidInputs at once."""
    check_place(name=name, address=address, capacity=capacity)
    (made,) = await tx.rows(Place, CREATE, name=name, address=address, capacity=capacity)
    tx.touch("programme", made.id)
    return made


async def update_place(
    tx: Transaction,
    *,
    place_id: int,
    name: str | None = None,
    address: str | None = None,
    capacity: int | None = None,
) -> Place:
    """Return the place with the given values; a new capacity applies to sessions scheduled from then on.

    Raises all InvalidInputs at once, and PlaceNotFound.
    """
    check_place(name=name, address=address, capacity=capacity)
    place = await tx.row(Place, UPDATE, id=place_id, name=name, address=address, capacity=capacity)
    if place is None:
        raise PlaceNotFound
    tx.touch("programme", place_id)
    return place


async def delete_place(tx: Transaction, *, place_id: int) -> None:
    """Delete the place with its sessions; raise PlaceNotFound, or StillInUse while bookings refer to it."""
    if await tx.value("SELECT id FROM places WHERE id = %(id)s FOR UPDATE", id=place_id) is None:
        raise PlaceNotFound
    await session.delete_sessions(tx, place_id=place_id)
    await tx.execute("DELETE FROM places WHERE id = %(id)s", id=place_id)
    tx.touch("programme", place_id)


def check_place(*, name: str | None = None, address: str | None = None, capacity: int | None = None) -> None:
    """Raise all faults of a place's values."""
    faults: list[Refusal] = [
        *find_text_faults("name", name, longest=LONGEST_NAME),
        *find_text_faults("address", address, longest=LONGEST_ADDRESS),
        *find_number_faults("capacity", capacity, smallest=1, largest=LARGEST_CAPACITY),
    ]
    refuse(faults)
