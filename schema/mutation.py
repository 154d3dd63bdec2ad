"""The mutations; each runs in a transaction of its own."""

import strawberry

from schema.mutations.accounts import AccountMutations
from schema.mutations.bookings import BookingMutations
from schema.mutations.collections import CollectionMutations
from schema.mutations.events import EventMutations
from schema.mutations.prices import PriceMutations
from schema.mutations.programme import ProgrammeMutations
from schema.mutations.ratings import RatingMutations
from schema.mutations.tickets import TicketMutations
from schema.mutations.tracking import TrackingMutations


@strawberry.type(description="What can be changed. Mutations of one document run one after the other.")
class Mutation(
    AccountMutations,
    RatingMutations,
    BookingMutations,
    ProgrammeMutations,
    EventMutations,
    TicketMutations,
    CollectionMutations,
    PriceMutations,
    TrackingMutations,
):
    """The root of mutations."""
