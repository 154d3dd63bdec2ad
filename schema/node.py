"""What has a global id."""

import strawberry

from db import ids


@strawberry.interface(
    description=(
        "Anything with a global id. The id is Stripe-style: three letters for the kind, an underscore, a snowflake:"
        " mov_7262193846145024."
    )
)
class Node:
    """The interface of Global Object Identification."""

    id: strawberry.ID = strawberry.field(description="Unique among all objects, and the same for ever.")


def identified(prefix: str, kind: str) -> strawberry.ID:
    """Return the field `id` of a type whose rows are spelled with this prefix."""

    def resolve(root: strawberry.Parent[object]) -> strawberry.ID:
        return strawberry.ID(ids.encode(prefix, root.__dict__["id"]))

    made: strawberry.ID = strawberry.field(resolver=resolve, description=f"The id of the {kind}: `{prefix}_…`.")
    return made
