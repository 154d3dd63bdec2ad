"""The interface of objects with a global id."""

from typing import Any, ClassVar

import strawberry
from sqlmodel import SQLModel
from strawberry import Parent

from db import ids
from resolvers.field_metadata import PUBLIC, Cache, declare
from resolvers.planned_reads import EVERYBODY, GlobalId, Visibility


@strawberry.interface(
    description=(
        "Anything with a global id. The id is Stripe-style: three letters for the kind, an underscore, a snowflake:"
        " mov_7262193846145024."
    )
)
class Node:
    """The interface of Global Object Identification. The source of each type is a row of one class."""

    row: ClassVar[type[SQLModel]]
    prefix: ClassVar[str]
    # Without it, the planner leaves objects of the type to the executor.
    visible_to: ClassVar[Visibility | None]
    id: strawberry.ID = strawberry.field(
        description="Unique among all objects, and the same for ever.", metadata=declare(cache=PUBLIC)
    )

    def __init_subclass__(
        cls, *, row: type[SQLModel], prefix: str, visible_to: Visibility | None = None, **more: Any
    ) -> None:
        """Set the class of the rows, the prefix of their ids, and who sees a row by its id."""
        super().__init_subclass__(**more)
        cls.row, cls.prefix, cls.visible_to = row, prefix, visible_to
        # An id is as public as its row.
        cls.id = id_field(prefix, cache=PUBLIC if visible_to is EVERYBODY else None)

    @classmethod
    def is_type_of(cls, source: object, _info: object) -> bool:
        """Whether a row is of this type."""
        return isinstance(source, cls.row)


def id_field(prefix: str, *, cache: Cache | None) -> strawberry.ID:
    """Return the field `id` of a type whose ids have this prefix."""

    def resolve(root: Parent[object]) -> strawberry.ID:
        return strawberry.ID(ids.encode(prefix, root.__dict__["id"]))

    made: strawberry.ID = strawberry.field(
        resolver=resolve,
        description=f"The id of {ids.KINDS[prefix]}: `{prefix}_…`.",
        metadata=declare(cache=cache, reads=GlobalId(prefix)),
    )
    return made
