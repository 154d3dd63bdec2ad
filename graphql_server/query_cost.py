"""What an operation may cost at most, worked out from its document before it runs: the objects that it can answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)

from db.paging import DEFAULT_SIZE, LARGEST_SIZE
from graphql_server.field_declarations import find_declaration

# Of lists that are no pages.
USUAL_LENGTH: Final = 10
# Introspection's lists, about as long as our own schema makes them.
LENGTHS: Final[Mapping[tuple[str, str], int]] = {
    ("__Schema", "types"): 150,
    ("__Schema", "directives"): 5,
    ("__Type", "fields"): 5,
    ("__Type", "inputFields"): 1,
    ("__Type", "interfaces"): 1,
    ("__Type", "possibleTypes"): 1,
    ("__Type", "enumValues"): 1,
    ("__Field", "args"): 1,
    ("__Directive", "args"): 1,
}
# Introspection's objects that come with the object they belong to.
FREE: Final = "__Type"


class VariableSize(NamedTuple):
    """What a variable gives, or its default."""

    variable: str
    default: int | None


@dataclass(frozen=True, slots=True)
class PageSize:
    """How many items a page has, where that is up to variables."""

    asked: tuple[VariableSize | int, ...]

    def length(self, variables: Mapping[str, Any]) -> int:
        """Return it for these variables; a size that is out of bounds counts as the largest, and is refused later."""
        largest = -1
        for each in self.asked:
            size = each if isinstance(each, int) else variables.get(each.variable, each.default)
            if size is not None:
                largest = max(largest, size_of(size))
        return DEFAULT_SIZE if largest < 0 else largest


@dataclass(frozen=True, slots=True)
class Listed:
    """How many items there are for a list that a variable gives."""

    asked: VariableSize

    def length(self, variables: Mapping[str, Any]) -> int:
        """Return it for these variables; one value alone is taken for a list of one."""
        if self.asked.variable not in variables:
            return self.asked.default or 0
        value = variables[self.asked.variable]
        return len(value) if isinstance(value, list) else 1


Times = int | PageSize | Listed


class Row(NamedTuple):
    """A part of a plan that is up to variables: a number, and other rows so and so many times."""

    number: int
    terms: tuple[tuple[Times, int], ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A row by its place."""

    place: int


Amount = int | Reference


@dataclass(frozen=True, slots=True)
class Plan:
    """How to work out the cost of one operation: each row needs only those before it, and the last is the whole."""

    rows: tuple[Row, ...]
    # The cost where no variable decides about it.
    constant: int | None = None

    def cost(self, variables: Mapping[str, Any]) -> int:
        """Return the cost with these variables, as the request gives them; 1 at least."""
        costs: list[int] = []
        for number, terms in self.rows:
            whole = number
            for times, place in terms:
                whole += (times if isinstance(times, int) else times.length(variables)) * costs[place]
            costs.append(whole)
        return costs[-1]


@dataclass(slots=True)
class Sum:
    """What is added up of a selection."""

    number: int = 0
    terms: list[tuple[Times, int]] = field(default_factory=list)


class Costs(NamedTuple):
    """Of a selection: what it costs once, and, below a page, what each of its items costs."""

    own: Amount
    each: Amount


@dataclass(slots=True)
class Planner:
    """Plans one operation. Each fragment is worked out once, however often it is spread."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, ValueNode | None]
    rows: list[Row] = field(default_factory=list)
    known: dict[str, Costs] = field(default_factory=dict)

    def add(self, to: Sum, amount: Amount, times: Times = 1) -> None:
        """Add an amount so many times."""
        if isinstance(amount, int) and isinstance(times, int):
            to.number += times * amount
        else:
            place = amount.place if isinstance(amount, Reference) else self.keep(Row(amount, ()))
            to.terms.append((times, place))

    def keep(self, row: Row) -> int:
        """Keep a row, and return its place."""
        self.rows.append(row)
        return len(self.rows) - 1

    def amount(self, of: Sum) -> Amount:
        """Return a sum as an amount: the number itself where nothing is up to variables."""
        return Reference(self.keep(Row(of.number, tuple(of.terms)))) if of.terms else of.number

    def selection(self, parent: GraphQLNamedType, node: SelectionSetNode | None) -> Costs:
        """Return what a selection of a type costs."""
        own, items = Sum(), Sum()
        for each in node.selections if node else ():
            if isinstance(each, FieldNode):
                declared = self.find_field(parent, each)
                per_item = declared is not None and find_declaration(declared).per_item
                self.add(items if per_item else own, self.field(parent, declared, each, per_item=per_item))
            else:
                costs = self.fragment(parent, each)
                self.add(own, costs.own)
                self.add(items, costs.each)
        return Costs(self.amount(own), self.amount(items))

    def fragment(self, parent: GraphQLNamedType, node: object) -> Costs:
        """Return what a fragment costs where it is spread, or written in place."""
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in self.known:
                definition = self.fragments[name]
                kind = self.kind(definition.type_condition, parent)
                self.known[name] = self.selection(kind, definition.selection_set)
            return self.known[name]
        if isinstance(node, InlineFragmentNode):
            return self.selection(self.kind(node.type_condition, parent), node.selection_set)
        raise TypeError(f"{node!r} is no selection")

    def kind(self, node: NamedTypeNode | None, otherwise: GraphQLNamedType) -> GraphQLNamedType:
        """Return the type that a fragment is on."""
        return self.schema.type_map[node.name.value] if node else otherwise

    def find_field(self, parent: GraphQLNamedType, node: FieldNode) -> GraphQLField | None:
        """Return the field of the schema that a field of the document names; None for `__typename` of a union."""
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return None
        return self.schema.get_field(parent, node.name.value)

    def field(
        self, parent: GraphQLNamedType, declared: GraphQLField | None, node: FieldNode, *, per_item: bool
    ) -> Amount:
        """Return what a field costs with all that is below it."""
        if declared is None:
            return 0
        own = find_declaration(declared).cost
        kind = get_named_type(declared.type)
        if is_leaf_type(kind):
            return own or 0
        below = self.selection(kind, node.selection_set)
        whole = Sum()
        if "first" in declared.args:
            whole.number += 1
            self.add(whole, below.own)
            self.add(whole, below.each, self.page(node))
            return self.amount(whole)
        is_list = is_list_type(get_nullable_type(declared.type)) and not per_item
        whole.number += own if own is not None else int(is_list or kind.name != FREE)
        self.add(whole, below.own)
        if not is_list:
            return self.amount(whole)
        listed = Sum()
        self.add(listed, self.amount(whole), self.listed(parent, declared, node))
        return self.amount(listed)

    def page(self, node: FieldNode) -> Times:
        """Return how many items the page of a connection has."""
        given = {each.name.value: each for each in node.arguments or ()}
        asked = tuple(
            found for name in ("first", "last") if name in given and (found := self.asked(given[name])) is not None
        )
        page = PageSize(asked)
        return page if any(isinstance(each, VariableSize) for each in asked) else page.length({})

    def asked(self, node: ArgumentNode) -> VariableSize | int | None:
        """Return what an argument gives: a number, none for null, or a variable."""
        if isinstance(node.value, VariableNode):
            name = node.value.name.value
            return VariableSize(name, size_in(self.defaults.get(name)))
        return size_in(node.value)

    def listed(self, parent: GraphQLNamedType, declared: GraphQLField, node: FieldNode) -> Times:
        """Return how long a list is that is no page: as long as the one that it is given, or as such lists are."""
        if "ids" not in declared.args:
            return LENGTHS.get((parent.name, node.name.value), USUAL_LENGTH)
        value = next((each.value for each in node.arguments or () if each.name.value == "ids"), None)
        if isinstance(value, VariableNode):
            name = value.name.value
            return Listed(VariableSize(name, length_in(self.defaults.get(name))))
        return length_in(value)


def plans(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, Plan]:
    """Return how to work out the cost of each operation of a document that is valid, by its name."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return {each.name.value if each.name else None: plan_cost(schema, each, fragments) for each in operations}


def plan_cost(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Plan:
    """Return how to work out the cost of one operation."""
    defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
    planner = Planner(schema, fragments, defaults)
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise TypeError(f"there is no {operation.operation.value}")
    whole = Sum(1)
    planner.add(whole, planner.selection(root, operation.selection_set).own)
    planner.keep(Row(whole.number, tuple(whole.terms)))
    return Plan(tuple(planner.rows), None if whole.terms else whole.number)


def size_in(node: ValueNode | None) -> int | None:
    """Return the size of a page that is written in a document, None for none."""
    return size_of(int(node.value)) if isinstance(node, IntValueNode) else None


def size_of(value: object) -> int:
    """Return the size of a page as far as it can be had."""
    within = isinstance(value, int) and 0 <= value <= LARGEST_SIZE
    return int(value) if within else LARGEST_SIZE  # type: ignore[call-overload]  # within says that it is one


def length_in(node: ValueNode | None) -> int:
    """Return the length of a list that is written in a document."""
    if isinstance(node, ListValueNode):
        return len(node.values)
    return int(node is not None)
