"""What every resolver of one request shares."""

from dataclasses import dataclass, field

from graphql import DocumentNode

from db.engine import Database, Reading
from domain import user
from edge.services import Services
from edge.visitors import Visitor
from errors import Unauthenticated
from identity.tokens import Actor
from live.topics import Follower
from loaders.request import Loaders


@dataclass(slots=True)
class Context:
    """One request: who asks, and the loaders that gather what its fields need."""

    services: Services
    actor: Actor | None
    # What addresses in answers begin with.
    base: str
    visitor: Visitor
    # Of the operation, once it is known.
    cost: int = 0
    # Whether the operation has paid and was counted already, by its plan.
    is_counted: bool = False
    # What is left of its document for the executor, once its plan has answered the rest.
    rest: DocumentNode | None = None
    # Whether an answer that is kept in memory will do; not where it is compared with another.
    takes_kept: bool = True
    # What ends a subscription.
    follower: Follower = field(default_factory=Follower)
    loaders: Loaders = field(init=False)
    # The token of whoever signed up or in by this request.
    entered: str | None = None
    # Whether a retry would come to the same; not where a third party did not answer.
    is_settled: bool = True
    _is_staff: bool | None = None

    def __post_init__(self) -> None:
        """Read the catalogue from a standby, until something is changed."""
        self.loaders = Loaders(self.database, self.database.standby)

    @property
    def database(self) -> Database:
        """The database."""
        return self.services.database

    @property
    def catalogue(self) -> Reading:
        """Where movies, places and the schedule may be read from."""
        return self.database.standby

    @property
    def user_id(self) -> int:
        """The snowflake of the viewer; raises Unauthenticated for an anonymous one."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor.user_id

    def renew(self) -> None:
        """Forget what was read: something has changed, and what answers that comes from the primary."""
        self.loaders = Loaders(self.database, self.database.primary)
        self._is_staff = None

    async def require_staff(self) -> int:
        """Return the viewer's snowflake; raise Unauthenticated or Forbidden unless they are staff."""
        await user.require_staff(self.database.primary, self.user_id)
        return self.user_id

    async def is_staff(self) -> bool:
        """Return whether the viewer is staff; asked once a request."""
        if self._is_staff is None:
            account = await self.loaders.user_by_id.load(self.actor.user_id) if self.actor else None
            self._is_staff = bool(account and account.is_staff)
        return self._is_staff
