"""Computes the cost of an operation from its document before it runs: the most objects that it can answer."""

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

# The assumed length of a list that has no page size.
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
# Introspection answers these objects together with the object that has them, so they cost nothing.
FREE: Final = "__Type"


class VariableSize(NamedTuple):
    """A number that a variable gives, with the variable's default."""

    variable: str
    default: int | None


@dataclass(frozen=True, slots=True)
class PageSize:
    """The size of a page, where variables give it."""

    sizes: tuple[VariableSize | int, ...]

    def compute(self, variables: Mapping[str, Any]) -> int:
        """Return the size for these variables. A size out of bounds counts as the largest; it is refused later."""
        largest = -1
        for each in self.sizes:
            size = each if isinstance(each, int) else variables.get(each.variable, each.default)
            if size is not None:
                largest = max(largest, limit_page_size(size))
        return DEFAULT_SIZE if largest < 0 else largest


@dataclass(frozen=True, slots=True)
class ListLength:
    """The length of a list that a variable gives."""

    given: VariableSize

    def compute(self, variables: Mapping[str, Any]) -> int:
        """Return the length for these variables; a single value counts as a list of one."""
        if self.given.variable not in variables:
            return self.given.default or 0
        value = variables[self.given.variable]
        return len(value) if isinstance(value, list) else 1


Times = int | PageSize | ListLength


class FormulaRow(NamedTuple):
    """A sum in a formula: a number, and earlier rows, each with a factor."""

    number: int
    terms: tuple[tuple[Times, int], ...]


@dataclass(frozen=True, slots=True)
class RowNumber:
    """The place of a row in its formula."""

    number: int


Amount = int | RowNumber


@dataclass(frozen=True, slots=True)
class CostFormula:
    """The formula of an operation's cost. Each row uses earlier rows only; the last row is the whole cost."""

    rows: tuple[FormulaRow, ...]
    # The cost, where it does not depend on variables.
    constant: int | None = None

    def compute(self, variables: Mapping[str, Any]) -> int:
        """Return the cost for the variables of a request, 1 at least."""
        costs: list[int] = []
        for number, terms in self.rows:
            whole = number
            for times, row in terms:
                whole += (times if isinstance(times, int) else times.compute(variables)) * costs[row]
            costs.append(whole)
        return costs[-1]


@dataclass(slots=True)
class Sum:
    """A sum that is being written."""

    number: int = 0
    terms: list[tuple[Times, int]] = field(default_factory=list)


class Costs(NamedTuple):
    """The cost of a selection: its own, and where it is below a page, that of each item."""

    own: Amount
    each: Amount


@dataclass(slots=True)
class FormulaWriter:
    """Writes the formula of one operation. Each fragment is measured once, however often it is spread."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, ValueNode | None]
    rows: list[FormulaRow] = field(default_factory=list)
    known: dict[str, Costs] = field(default_factory=dict)

    def add(self, to: Sum, amount: Amount, times: Times = 1) -> None:
        """Add an amount, multiplied by `times`."""
        if isinstance(amount, int) and isinstance(times, int):
            to.number += times * amount
        else:
            row = amount.number if isinstance(amount, RowNumber) else self.add_row(FormulaRow(amount, ()))
            to.terms.append((times, row))

    def add_row(self, row: FormulaRow) -> int:
        """Add a row to the formula, and return its number."""
        self.rows.append(row)
        return len(self.rows) - 1

    def close_sum(self, of: Sum) -> Amount:
        """Return a sum as an amount: a number where it does not depend on variables, else a row."""
        return RowNumber(self.add_row(FormulaRow(of.number, tuple(of.terms)))) if of.terms else of.number

    def measure_selection(self, parent: GraphQLNamedType, node: SelectionSetNode | None) -> Costs:
        """Return the cost of a selection of a type."""
        own, items = Sum(), Sum()
        for each in node.selections if node else ():
            if isinstance(each, FieldNode):
                declared = self.find_field(parent, each)
                per_item = declared is not None and find_declaration(declared).per_item
                self.add(items if per_item else own, self.measure_field(parent, declared, each, per_item=per_item))
            else:
                costs = self.measure_fragment(parent, each)
                self.add(own, costs.own)
                self.add(items, costs.each)
        return Costs(self.close_sum(own), self.close_sum(items))

    def measure_fragment(self, parent: GraphQLNamedType, node: object) -> Costs:
        """Return the cost of a fragment that is spread or inline."""
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name not in self.known:
                definition = self.fragments[name]
                kind = self.find_type(definition.type_condition, parent)
                self.known[name] = self.measure_selection(kind, definition.selection_set)
            return self.known[name]
        if isinstance(node, InlineFragmentNode):
            return self.measure_selection(self.find_type(node.type_condition, parent), node.selection_set)
        raise TypeError(f"{node!r} is no selection")

    def find_type(self, node: NamedTypeNode | None, otherwise: GraphQLNamedType) -> GraphQLNamedType:
        """Return the type that a fragment is on."""
        return self.schema.type_map[node.name.value] if node else otherwise

    def find_field(self, parent: GraphQLNamedType, node: FieldNode) -> GraphQLField | None:
        """Return the field of the schema that a field of the document names; None for `__typename` of a union."""
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return None
        return self.schema.get_field(parent, node.name.value)

    def measure_field(
        self, parent: GraphQLNamedType, declared: GraphQLField | None, node: FieldNode, *, per_item: bool
    ) -> Amount:
        """Return the cost of a field with its selection."""
        if declared is None:
            return 0
        own = find_declaration(declared).cost
        kind = get_named_type(declared.type)
        if is_leaf_type(kind):
            return own or 0
        below = self.measure_selection(kind, node.selection_set)
        whole = Sum()
        if "first" in declared.args:
            whole.number += 1
            self.add(whole, below.own)
            self.add(whole, below.each, self.measure_page(node))
            return self.close_sum(whole)
        is_list = is_list_type(get_nullable_type(declared.type)) and not per_item
        whole.number += own if own is not None else int(is_list or kind.name != FREE)
        self.add(whole, below.own)
        if not is_list:
            return self.close_sum(whole)
        listed = Sum()
        self.add(listed, self.close_sum(whole), self.measure_list(parent, declared, node))
        return self.close_sum(listed)

    def measure_page(self, node: FieldNode) -> Times:
        """Return the page size of a connection."""
        given = {each.name.value: each for each in node.arguments or ()}
        sizes = tuple(
            found for name in ("first", "last") if name in given and (found := self.read_size(given[name])) is not None
        )
        page = PageSize(sizes)
        return page if any(isinstance(each, VariableSize) for each in sizes) else page.compute({})

    def read_size(self, node: ArgumentNode) -> VariableSize | int | None:
        """Return the size that an argument gives: a number or a variable; None for null."""
        if isinstance(node.value, VariableNode):
            name = node.value.name.value
            return VariableSize(name, read_page_size(self.defaults.get(name)))
        return read_page_size(node.value)

    def measure_list(self, parent: GraphQLNamedType, declared: GraphQLField, node: FieldNode) -> Times:
        """Return the length of a list without pages: that of its argument `ids`, else the assumed one."""
        if "ids" not in declared.args:
            return LENGTHS.get((parent.name, node.name.value), USUAL_LENGTH)
        value = next((each.value for each in node.arguments or () if each.name.value == "ids"), None)
        if isinstance(value, VariableNode):
            name = value.name.value
            return ListLength(VariableSize(name, count_values(self.defaults.get(name))))
        return count_values(value)


def make_cost_formulas(schema: GraphQLSchema, document: DocumentNode) -> dict[str | None, CostFormula]:
    """Return the cost formula of each operation of a valid document, by the operation's name."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return {each.name.value if each.name else None: make_cost_formula(schema, each, fragments) for each in operations}


def make_cost_formula(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> CostFormula:
    """Return the cost formula of one operation."""
    defaults = {each.variable.name.value: each.default_value for each in operation.variable_definitions or ()}
    writer = FormulaWriter(schema, fragments, defaults)
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise TypeError(f"there is no {operation.operation.value}")
    whole = Sum(1)
    writer.add(whole, writer.measure_selection(root, operation.selection_set).own)
    writer.add_row(FormulaRow(whole.number, tuple(whole.terms)))
    return CostFormula(tuple(writer.rows), None if whole.terms else whole.number)


def read_page_size(node: ValueNode | None) -> int | None:
    """Return the page size that a document writes, None for null."""
    return limit_page_size(int(node.value)) if isinstance(node, IntValueNode) else None


def limit_page_size(value: object) -> int:
    """Return a page size within bounds; one out of bounds becomes the largest."""
    within = isinstance(value, int) and 0 <= value <= LARGEST_SIZE
    return int(value) if within else LARGEST_SIZE  # type: ignore[call-overload]  # within says that it is one


def count_values(node: ValueNode | None) -> int:
    """Return the length of a list that a document writes; a single value counts as one."""
    if isinstance(node, ListValueNode):
        return len(node.values)
    return int(node is not None)
