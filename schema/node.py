"""The interface of objects with a global id."""

from typing import Any, ClassVar

import strawberry
from strawberry import Parent

from db import ids


@strawberry.interface(
    description=(
        "Anything with a global id. The id is Stripe-style: three letters for the kind, an underscore, a snowflake:"
        " mov_7262193846145024."
    )
)
class Node:
    """The interface of Global Object Identification. The source of each type is a row of one class."""

    row: ClassVar[type]
    id: strawberry.ID = strawberry.field(description="Unique among all objects, and the same for ever.")

    def __init_subclass__(cls, *, row: type, prefix: str, **more: Any) -> None:
        """Set the class of the rows, and the prefix of their ids."""
        super().__init_subclass__(**more)
        cls.row = row
        cls.id = id_field(prefix)

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a row is of this type."""
        return isinstance(source, cls.row)


def id_field(prefix: str) -> strawberry.ID:
    """Return the field `id` of a type whose ids have this prefix."""

    def resolve(root: Parent[object]) -> strawberry.ID:
        return strawberry.ID(ids.encode(prefix, root.__dict__["id"]))

    made: strawberry.ID = strawberry.field(
        resolver=resolve, description=f"The id of {ids.KINDS[prefix]}: `{prefix}_…`."
    )
    return made
