"""The plans of one operation, by the shape of its variables."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from graphql import DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode, OperationType, SelectionSetNode
from graphql.execution.values import VariableValues, get_variable_values

from graphql_server.planner.arguments import PlainVariable, list_given, plan_variables, read_variables
from graphql_server.planner.binding import Bound, Request, bind_site, is_fixed, list_prefixes
from graphql_server.planner.draft import Draft
from graphql_server.planner.outline import Outline, Outliner, Site, Unplanned, expect_query_type, find_any_id_sites
from graphql_server.planner.programs import PROGRAMS, Program
from graphql_server.planner.selection import (
    Fragments,
    collect_fields,
    collect_fragments,
    find_operation_node,
    list_flags,
)
from graphql_server.planner.statement import StatementWriter

# Outlines of one operation that are remembered: variables of real clients rarely have more shapes.
MOST_SHAPES: Final = 32

NO_IDS: Final[Mapping[str, Bound]] = {}

T = TypeVar("T")


class Caller(NamedTuple):
    """What an operation's statement depends on besides its variables."""

    viewer_id: int | None
    base: str
    # Whether what a standby does not have may be on the primary.
    may_lag: bool


class Run(NamedTuple):
    """A statement with its parameters, for one request."""

    program: Program
    parameters: Mapping[str, Any]
    bounds: Sequence[Bound]
    outline: Outline
    # What the executor has to run besides.
    left_to_executor: DocumentNode | None = None


@dataclass(slots=True)
class Shape:
    """An outline, with those of its sites that are bound alike for every request."""

    outline: Outline
    fixed: dict[int, Bound] = field(default_factory=dict)
    # The operation without what its statement answers.
    left_to_executor: DocumentNode | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Constant:
    """An operation without variables, bound once for all requests of one kind of caller."""

    shape: Shape
    bounds: Sequence[Bound]
    # Of its statement.
    key: Hashable


@dataclass(slots=True, eq=False)
class PlannedQuery:
    """A query, and the statements that were written for it."""

    fragments: Fragments
    node: OperationDefinitionNode
    flags: tuple[str, ...]
    plain: tuple[PlainVariable, ...] | None
    any_ids: OrderedDict[Hashable, list[Site]] = field(default_factory=OrderedDict)
    shapes: OrderedDict[Hashable, Shape | Unplanned] = field(default_factory=OrderedDict)
    # By whether the caller is anonymous, and whether a standby may lag.
    constants: dict[tuple[bool, bool], Constant] = field(default_factory=dict)

    def find_run(self, variables: Mapping[str, Any], request: Request, caller: Caller) -> Run:
        """Return what answers a request; raise Unplanned or a refusal where the executor has to."""
        kind = (caller.viewer_id is None, caller.may_lag)
        constant = self.constants.get(kind)
        if constant is not None:
            return self.make_run(constant.shape, constant.bounds, constant.key, caller)
        request.variables = self.coerce_variables(variables)
        request.given = list_given(request.variables)
        flags = self.read_flags(request.variables) if self.flags else ()
        asked = self.any_ids.get(flags)
        if asked is None:
            asked = store_bounded(self.any_ids, flags, self.list_any_id_sites(flags))
        known = {site.key: bind_site(site, request, None) for site in asked} if asked else NO_IDS
        kinds = tuple([list_prefixes(each) for each in known.values()])
        shape = self.shapes.get((flags, kinds))
        if shape is None:
            made = self.make_shape(flags, dict(zip(known, kinds, strict=True)), request)
            shape = store_bounded(self.shapes, (flags, kinds), made)
        if isinstance(shape, Unplanned):
            raise shape
        bounds = self.bind_sites(shape, request, known)
        key = (self, flags, kinds, kind, *[each.shape for each in bounds])
        if not self.node.variable_definitions and not known and len(shape.fixed) == len(bounds):
            self.constants[kind] = Constant(shape, bounds, key)
        return self.make_run(shape, bounds, key, caller)

    def make_run(self, shape: Shape, bounds: Sequence[Bound], key: Hashable, caller: Caller) -> Run:
        """Return the run of a shape whose sites are bound; `key` is that of its statement."""
        program = PROGRAMS.find(key, lambda: self.write_program(shape, bounds, caller))
        return Run(
            program, self.collect_parameters(shape, bounds, caller), bounds, shape.outline, shape.left_to_executor
        )

    def list_root_fields(self, variables: Mapping[str, Any]) -> dict[str, list[FieldNode]]:
        """Return the fields of the root for variables that have been accepted before."""
        flags = self.read_flags(self.coerce_variables(variables))
        outliner = self.make_outliner(flags, {})
        return collect_fields(
            self.fragments, expect_query_type(self.fragments), [self.node.selection_set], outliner.flags
        )

    def coerce_variables(self, variables: Mapping[str, Any]) -> VariableValues | None:
        """Return the values of the variables; raise Unplanned where the executor refuses them."""
        if not self.node.variable_definitions:
            return None
        plain = None if self.plain is None else read_variables(self.plain, variables)
        if plain is not None:
            return plain
        return coerce_by_graphql(self.fragments.schema, self.node, variables)

    def read_flags(self, values: VariableValues | None) -> tuple[bool, ...]:
        """Return what the variables of @skip and @include are."""
        if values is None or not self.flags:
            return ()
        found = [values.coerced.get(name) for name in self.flags]
        flags = tuple(value for value in found if isinstance(value, bool))
        if len(flags) < len(found):
            raise Unplanned("a condition is null")
        return flags

    def make_outliner(self, flags: tuple[bool, ...], kinds: Mapping[str, Sequence[str]]) -> Outliner:
        """Return what outlines this operation for these flags and kinds of ids."""
        return Outliner(self.fragments, dict(zip(self.flags, flags, strict=True)), kinds)

    def list_any_id_sites(self, flags: tuple[bool, ...]) -> list[Site]:
        """Return the root fields whose types depend on their ids."""
        return find_any_id_sites(self.make_outliner(flags, {}), self.node)

    def make_shape(
        self, flags: tuple[bool, ...], kinds: Mapping[str, Sequence[str]], request: Request
    ) -> Shape | Unplanned:
        """Return the outline for these flags and kinds of ids, or why there is none."""
        try:
            outline = self.make_outliner(flags, kinds).outline_query(self.node)
        except Unplanned as reason:
            return reason
        shape = Shape(outline, left_to_executor=self.write_left_document(outline) if outline.left else None)
        for number, site in enumerate(outline.sites):
            if is_fixed(site):
                shape.fixed[number] = bound = bind_site(site, request, None)
                shape.parameters |= {f"p{number}_{name}": value for name, value in bound.parameters.items()}
        return shape

    def write_left_document(self, outline: Outline) -> DocumentNode:
        """Return the document of those fields of the root that are left to the executor."""
        nodes = [node for nodes in outline.left.values() for node in nodes]
        operation = OperationDefinitionNode(
            operation=self.node.operation,
            name=self.node.name,
            variable_definitions=self.node.variable_definitions,
            directives=self.node.directives,
            selection_set=SelectionSetNode(selections=tuple(nodes)),
            loc=self.node.loc,
        )
        return DocumentNode(definitions=(operation, *self.fragments.definitions.values()))

    def bind_sites(self, shape: Shape, request: Request, known: Mapping[str, Bound]) -> list[Bound]:
        """Return each site, bound for a request."""
        found: list[Bound] = []
        for number, site in enumerate(shape.outline.sites):
            ready = shape.fixed.get(number) or (known.get(site.key) if site.owner is None else None)
            found.append(ready or bind_site(site, request, found))
        return found

    def write_program(self, shape: Shape, bounds: Sequence[Bound], caller: Caller) -> Program:
        """Return the statement for this shape."""
        writer = StatementWriter(Draft(bounds), signed_in=caller.viewer_id is not None, may_lag=caller.may_lag)
        return writer.write_program(shape.outline)

    def collect_parameters(self, shape: Shape, bounds: Sequence[Bound], caller: Caller) -> dict[str, Any]:
        """Return the statement's parameters."""
        found = {**shape.parameters, "viewer": caller.viewer_id, "base": caller.base}
        for number, bound in enumerate(bounds):
            if number not in shape.fixed:
                for name, value in bound.parameters.items():
                    found[f"p{number}_{name}"] = value
        return found


def coerce_by_graphql(
    schema: GraphQLSchema, node: OperationDefinitionNode, variables: Mapping[str, Any]
) -> VariableValues:
    """Return the values of an operation's variables as graphql-core reads them; raise Unplanned where it refuses them."""
    found = get_variable_values(schema, node.variable_definitions or (), dict(variables))
    if isinstance(found, VariableValues):
        return found
    raise Unplanned("the variables are refused")


def store_bounded(known: OrderedDict[Hashable, T], key: Hashable, made: T) -> T:
    """Keep what was made under a key, and return it; what is oldest makes room."""
    known[key] = made
    if len(known) > MOST_SHAPES:
        known.popitem(last=False)
    return made


def make_planned_query(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> PlannedQuery | None:
    """Return the operation that a request means, None where it is no query."""
    node = find_operation_node(document, name)
    if node is None or node.operation is not OperationType.QUERY:
        return None
    fragments = collect_fragments(schema, document)
    return PlannedQuery(fragments, node, list_flags(node, fragments), plan_variables(schema, node))
