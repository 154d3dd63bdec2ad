"""The context that all resolvers of a request share."""

from collections.abc import Hashable
from dataclasses import dataclass

from graphql import DocumentNode

from db.engine import Database, StatementRunner
from domain import user
from edge.services import Services
from errors import Unauthenticated
from identity.tokens import Actor
from live.topics import Follower
from loaders.request import Loaders
from runtime.rate_limits import Visitor


@dataclass(slots=True)
class Context:
    """A request: its viewer, and the loaders of its fields."""

    services: Services
    actor: Actor | None
    # The beginning of absolute addresses in answers.
    base: str
    visitor: Visitor
    # The cost of the operation, once it is known.
    cost: int = 0
    # Whether the planner has already charged the operation's cost and counted it.
    is_counted: bool = False
    # The part of its document that the executor must run, where the planner has answered the other part.
    left_to_executor: DocumentNode | None = None
    # Whether a cached response may answer; false where the answer is compared with another one.
    uses_cache: bool = True
    # The key of its answer in the response cache, where it is there.
    cache_key: Hashable | None = None
    # Whether that answer was read for this request, rather than found in memory.
    has_read: bool = False
    # The token that a sign-up or sign-in of this request has issued.
    entered: str | None = None
    # Whether a retry would have the same result; false where a third party did not answer.
    is_settled: bool = True
    _is_staff: bool | None = None
    # Both are made when they are first needed: most requests are answered by their plan, and are no subscriptions.
    _follower: Follower | None = None
    _loaders: Loaders | None = None
    _is_renewed: bool = False

    @property
    def follower(self) -> Follower:
        """What ends a subscription."""
        if self._follower is None:
            self._follower = Follower()
        return self._follower

    @follower.setter
    def follower(self, follower: Follower) -> None:
        self._follower = follower

    @property
    def loaders(self) -> Loaders:
        """The loaders of this request; they read the programme from a standby, until something is changed."""
        if self._loaders is None:
            programme = self.database.primary if self._is_renewed else self.database.standby
            self._loaders = Loaders(self.database, programme)
        return self._loaders

    @loaders.setter
    def loaders(self, loaders: Loaders) -> None:
        self._loaders = loaders

    @property
    def database(self) -> Database:
        """The database."""
        return self.services.database

    @property
    def programme(self) -> StatementRunner:
        """Where movies, places and the schedule may be read from."""
        return self.database.standby

    @property
    def user_id(self) -> int:
        """The snowflake of the viewer; raises Unauthenticated for an anonymous one."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor.user_id

    def renew(self) -> None:
        """Forget what was read before a change; later reads come from the primary."""
        self._loaders, self._is_renewed = None, True
        self._is_staff = None

    async def require_staff(self) -> int:
        """Return the viewer's snowflake; raise Unauthenticated or Forbidden unless they are staff."""
        await user.require_staff(self.database.primary, self.user_id)
        return self.user_id

    async def is_staff(self) -> bool:
        """Return whether the viewer is staff; read once for each request."""
        if self._is_staff is None:
            account = await self.loaders.user_by_id.load(self.actor.user_id) if self.actor else None
            self._is_staff = bool(account and account.is_staff)
        return self._is_staff
