"""Prepares documents once (parsing, validation, cost), and applies the limits under which their operations run."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    specified_rules,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError

from config.limits import RequestLimits
from config.settings import Settings
from edge.services import Span
from errors import Unavailable
from graphql_server.document_limits import check, require_at_most
from graphql_server.document_validation import Introspects, make_depth_refusal, parse_document, validate_document
from graphql_server.error_format import find_refusals
from graphql_server.field_usage import choose_operation, collect_used_fields
from graphql_server.query_cost import CostFormula, make_cost_formulas
from resolvers.context import Context
from runtime.admission_control import AdmissionControl, Room
from runtime.metrics import Coordinate

RULES: Final = tuple(specified_rules)
COST: Final = "cost"
WHAT: Final = "points of cost in one operation"
# A character of a document takes up to 120 bytes once it is parsed; so this is 25 MB at most.
MOST_CHARACTERS: Final = 200_000
LONGEST_REMEMBERED: Final = 20_000
LONGEST_NAME: Final = 64
# Roots that do not wait for room: mutations that arrive together share transactions, and subscriptions run on.
CHANGING: Final = frozenset({"Mutation", "Subscription"})
# Fields that wait for third parties, up to five seconds; they do not wait for room either.
OF_OTHERS: Final = frozenset({("Query", name) for name in ("catalogue", "offers", "movieOffer", "providers")})


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that parses and is within limits, with the faults that validation found and the cost of its operations."""

    document: DocumentNode
    faults: list[GraphQLError]
    # Further faults where introspection is off.
    introspection: list[GraphQLError] = field(default_factory=list)
    limits: RequestLimits | None = None
    cost_formulas: Mapping[str | None, CostFormula] = field(default_factory=dict)
    # The fields of its operations, by the operations' names; collected once.
    _fields: dict[str | None, frozenset[Coordinate]] = field(default_factory=dict)
    # Its queries as graphql_server/planner has prepared them, by name.
    operations: dict[str | None, Any] = field(default_factory=dict)
    # Its plain mutations as graphql_server/planner has prepared them, by name.
    mutations: dict[str | None, Any] = field(default_factory=dict)

    @property
    def has_several_operations(self) -> bool:
        """Whether a request must say which of its operations it means."""
        if self.cost_formulas:
            return len(self.cost_formulas) > 1
        operations = [each for each in self.document.definitions if isinstance(each, OperationDefinitionNode)]
        return len(operations) > 1

    def fields(self, schema: GraphQLSchema, *, operation: str | None) -> frozenset[Coordinate]:
        """Return the fields of an operation of this document, which must be valid."""
        found = self._fields.get(operation)
        if found is None:
            found = self._fields[operation] = collect_used_fields(schema, self.document, operation=operation)
        return found

    def find_cost_formula(self, operation_name: str | None) -> CostFormula:
        """Return the cost formula of the operation that a request names; raise CannotGetOperationTypeError where there is none."""
        if operation_name is None and len(self.cost_formulas) == 1:
            return next(iter(self.cost_formulas.values()))
        found = self.cost_formulas.get(operation_name)
        if found is None:
            raise CannotGetOperationTypeError(operation_name)
        return found

    def compute_cost(self, variables: Mapping[str, Any], operation_name: str | None) -> int:
        """Return the cost of the operation that a request names; raise CannotGetOperationTypeError where there is none."""
        formula = self.find_cost_formula(operation_name)
        return formula.compute(variables) if formula.constant is None else formula.constant


class DocumentCache:
    """Prepared documents by their text; the least recently used are removed first."""

    def __init__(self, *, room: int = MOST_CHARACTERS, longest: int = LONGEST_REMEMBERED) -> None:
        """Keep texts of `longest` characters each, and of `room` characters altogether."""
        self._documents: OrderedDict[str, Prepared] = OrderedDict()
        self._room = room
        self._longest = longest

    def find(self, text: str) -> Prepared | None:
        """Return the prepared document of a text, None where it is not kept."""
        found = self._documents.get(text)
        if found is not None:
            self._documents.move_to_end(text)
        return found

    def keep(self, text: str, prepared: Prepared) -> None:
        """Keep a document, unless its text is longer than `longest`."""
        if len(text) > self._longest:
            return
        # A document that was prepared under other limits is replaced.
        self._room -= 0 if text in self._documents else len(text)
        self._documents[text] = prepared
        while self._room < 0:
            forgotten, _ = self._documents.popitem(last=False)
            self._room += len(forgotten)


class Documents(SchemaExtension):
    """Uses prepared documents instead of parsing and validating again, and applies the limits of operations."""

    # One for all requests; the extension itself is made for each request.
    cache = DocumentCache()

    def on_parse(self) -> Iterator[None]:
        """Find the document, or prepare it; raise GraphQLError where it does not parse, QueryTooCostly over a limit.

        Raise CannotGetOperationTypeError where it has several operations and none is named.
        """
        asked = self.execution_context
        text, limits = asked.query or "", asked.context.services.settings.limits
        prepared = find_prepared(asked.schema._schema, text, asked.validation_rules, limits)  # noqa: SLF001 - there is no other way to it
        if asked.operation_name is None and prepared.has_several_operations:
            # GetOperation of the specification; Strawberry would run the first.
            raise CannotGetOperationTypeError(None)
        self._prepared = prepared
        asked.graphql_document = asked.context.left_to_executor or prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Report the faults that validation found when the document was prepared; spend the cost of the operation."""
        asked, prepared = self.execution_context, self._prepared
        refused = [] if asked.context.services.settings.allows_introspection else prepared.introspection
        asked.pre_execution_errors = [*refused, *prepared.faults]
        if not asked.pre_execution_errors and not asked.context.is_counted:
            spend_operation_cost(asked.context, prepared, asked.variables or {}, asked.operation_name)
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """Count the fields, wait for room where the operation is a query, and run it in a span where traces are on."""
        asked = self.execution_context
        fields = self._prepared.fields(asked.schema._schema, operation=asked.operation_name)  # noqa: SLF001 - as above
        services = asked.context.services
        async with Admitted(asked.context, self._prepared, fields, asked.operation_name):
            yield
        faults = (asked.result.errors or ()) if asked.result else ()
        if any(isinstance(cause, Unavailable) for fault in faults for cause in find_refusals(fault)):
            services.admission.refuse()


def find_prepared(
    schema: GraphQLSchema, text: str, rules: tuple[type[ASTValidationRule], ...], limits: RequestLimits
) -> Prepared:
    """Return the prepared document of a text, from the cache or prepared now; raise what `prepare` raises."""
    prepared = Documents.cache.find(text)
    if prepared is None or prepared.limits is not limits:
        prepared = prepare(schema, text, rules, limits)
        Documents.cache.keep(text, prepared)
    return prepared


def find_ready(schema: GraphQLSchema, text: str, operation_name: str | None, settings: Settings) -> Prepared | None:
    """Return the document if it is valid and the operation is unambiguous, else None: the executor reports the fault."""
    try:
        prepared = find_prepared(schema, text, RULES, settings.limits)
    except Exception:  # noqa: BLE001 - the executor meets the same error, and reports it
        return None
    return prepared if is_ready(prepared, operation_name, settings) else None


def find_known(text: str, operation_name: str | None, settings: Settings) -> Prepared | None:
    """Return what `find_ready` returns if the document was prepared before, else None."""
    prepared = Documents.cache.find(text)
    if prepared is None or prepared.limits is not settings.limits:
        return None
    return prepared if is_ready(prepared, operation_name, settings) else None


def is_ready(prepared: Prepared, operation_name: str | None, settings: Settings) -> bool:
    """Return whether a document is valid and the operation unambiguous."""
    if prepared.faults or (prepared.introspection and not settings.allows_introspection):
        return False
    return len(prepared.cost_formulas) == 1 if operation_name is None else operation_name in prepared.cost_formulas


def spend_operation_cost(
    context: Context, prepared: Prepared, variables: Mapping[str, Any], operation_name: str | None
) -> None:
    """Take the cost of an operation from its caller's budget; raise QueryTooCostly or RateLimited."""
    spend_cost(context, prepared.compute_cost(variables, operation_name))


def spend_cost(context: Context, cost: int) -> None:
    """Take the cost of an operation from its caller's budget.

    Raise QueryTooCostly where it is over a limit, RateLimited where it is more than the budget has left now.
    """
    limits = context.services.settings.limits
    if cost > limits.operation_cost:
        require_at_most(cost, limits.operation_cost, WHAT, "OPERATION_COST")
    context.cost = cost
    rate = limits.cost
    if rate is None:
        return
    if cost > rate.amount:
        require_at_most(cost, rate.amount, WHAT, "COST")
    caller = f"of {context.actor.user_id}" if context.actor else f"from {context.visitor.address}"
    context.visitor.count(context.services.rate_windows, COST, caller, rate, cost)


def describe_cost(context: Context) -> dict[str, Any]:
    """Return the `extensions` of an answer: its cost, and the rest of the budget."""
    limits, quota = context.services.settings.limits, context.visitor.quotas.get(COST)
    cost: dict[str, int] = {"requested": context.cost, "operationLimit": limits.operation_cost}
    if quota is not None:
        cost |= {"limit": quota.rate.amount, "remaining": quota.left, "resetSeconds": quota.seconds}
    return {"cost": cost}


class Admitted:
    """Counts an operation; while it runs, holds room for it where it is a query, and a span where traces are on.

    A class, because a generator costs each query three times as much.
    """

    __slots__ = ("_context", "_fields", "_operation_name", "_prepared", "_room", "_span")

    def __init__(
        self, context: Context, prepared: Prepared, fields: frozenset[Coordinate], operation_name: str | None
    ) -> None:
        self._context = context
        self._prepared = prepared
        self._fields = fields
        self._operation_name = operation_name
        self._room: Room | None = None
        self._span: AbstractContextManager[object] | None = None

    async def __aenter__(self) -> None:
        """Count the operation and wait for room; raise Unavailable where that takes too long."""
        context, services = self._context, self._context.services
        if not context.is_counted:
            services.usage_metrics.count(self._fields)
        if takes_room(self._fields):
            self._room = take_room(services.admission, self._fields, context.cost)
            await self._room.__aenter__()
        if services.trace_span is not None:
            self._span = open_operation_span(services.trace_span, self._prepared, self._operation_name)
            self._span.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the span and give the room back."""
        try:
            if self._span is not None:
                self._span.__exit__(kind, error, traceback)
        finally:
            if self._room is not None:
                await self._room.__aexit__()


def take_room(admission: AdmissionControl, fields: frozenset[Coordinate], cost: int) -> Room:
    """Return the room of a query that asks for these fields.

    A query that waits for a third party is counted, so that such queries leave slots to bookings; it must not hold capacity
    meanwhile.
    """
    return admission.take_room(0 if waits_for_others(fields) else cost)


def open_operation_span(span: Span, prepared: Prepared, operation_name: str | None) -> AbstractContextManager[object]:
    """Return the span of an operation."""
    operation = choose_operation(prepared.document, operation_name)
    kind, name = operation.operation.value, operation.name.value[:LONGEST_NAME] if operation.name else ""
    attributes = {"graphql.operation.type": kind} | ({"graphql.operation.name": name} if name else {})
    return span(f"{kind} {name}".rstrip(), attributes)


# About as many entries as there are prepared documents.
@lru_cache(maxsize=1024)
def takes_room(fields: frozenset[Coordinate]) -> bool:
    """Return whether an operation is a query, of which a worker runs a bounded number."""
    return all(each.type not in CHANGING for each in fields)


@lru_cache(maxsize=1024)
def waits_for_others(fields: frozenset[Coordinate]) -> bool:
    """Return whether an operation may have to wait for a third party."""
    return any((each.type, each.field) in OF_OTHERS for each in fields)


def prepare(
    schema: GraphQLSchema, text: str, rules: tuple[type[ASTValidationRule], ...], limits: RequestLimits
) -> Prepared:
    """Return the document with the faults that validation finds, and the cost of its operations.

    Raise GraphQLError where it does not parse, QueryTooCostly where it is over a limit.
    """
    require_at_most(len(text), limits.characters, "characters", "DOCUMENT")
    try:
        document = parse_document(text, limits)
        check(document, limits)
        found = validate_document(schema, document, rules, limits)
        introspection: list[GraphQLError] = [fault for fault in found if isinstance(fault, Introspects)]
        faults = [fault for fault in found if not isinstance(fault, Introspects)]
        return Prepared(document, faults, introspection, limits, {} if faults else make_cost_formulas(schema, document))
    except RecursionError:
        # Nested fragments can be deeper than the document, whose depth the parser has bounded.
        raise make_depth_refusal(limits) from None
