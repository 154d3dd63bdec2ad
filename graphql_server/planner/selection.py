"""What an operation selects for a type of objects: fragments applied, one response key once, flags obeyed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.language import BooleanValueNode

# The values of the Boolean variables that @skip and @include look at.
Flags = Mapping[str, Any]
CONDITIONS = ("skip", "include")


@dataclass(frozen=True, slots=True)
class Fragments:
    """The fragments of a document, and the schema that says which types they are for."""

    schema: GraphQLSchema
    definitions: Mapping[str, FragmentDefinitionNode]

    def applies(self, condition: NamedTypeNode | None, kind: GraphQLObjectType) -> bool:
        """Return whether a fragment of this condition is for objects of this type."""
        if condition is None or condition.name.value == kind.name:
            return True
        wider = self.schema.type_map[condition.name.value]
        return isinstance(wider, GraphQLInterfaceType) and self.schema.is_sub_type(wider, kind)


def find_operation_node(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """Return the operation that a request means, None where there is none of this name."""
    nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return next((each for each in nodes if name is None or (each.name and each.name.value == name)), None)


def collect_fragments(schema: GraphQLSchema, document: DocumentNode) -> Fragments:
    """Return the fragments of a document."""
    nodes = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
    return Fragments(schema, {node.name.value: node for node in nodes})


def collect_fields(
    fragments: Fragments, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], flags: Flags
) -> dict[str, list[FieldNode]]:
    """Return the fields that are selected for a type, by response key, in the order of their first mention."""
    found: dict[str, list[FieldNode]] = {}
    spread: set[str] = set()
    for each in sets:
        for node in _list_fields(fragments, kind, each, flags, spread):
            found.setdefault((node.alias or node.name).value, []).append(node)
    return found


def _list_fields(
    fragments: Fragments, kind: GraphQLObjectType, chosen: SelectionSetNode, flags: Flags, spread: set[str]
) -> Iterator[FieldNode]:
    for node in chosen.selections:
        if not is_included(node, flags):
            continue
        if isinstance(node, FieldNode):
            yield node
            continue
        inner = _find_fragment(fragments, node, spread)
        if inner is not None and fragments.applies(inner.type_condition, kind):
            yield from _list_fields(fragments, kind, inner.selection_set, flags, spread)


def _find_fragment(
    fragments: Fragments, node: SelectionNode, spread: set[str]
) -> FragmentDefinitionNode | InlineFragmentNode | None:
    if isinstance(node, InlineFragmentNode):
        return node
    if isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
        spread.add(node.name.value)
        return fragments.definitions[node.name.value]
    return None


def is_included(node: SelectionNode, flags: Flags) -> bool:
    """Return whether @skip and @include leave a selection in."""
    for directive in node.directives or ():
        name = directive.name.value
        if name in CONDITIONS and _read_condition(directive, flags) is (name == "skip"):
            return False
    return True


def _read_condition(directive: DirectiveNode, flags: Flags) -> bool:
    (argument,) = directive.arguments or ()
    value = argument.value
    if isinstance(value, VariableNode):
        return bool(flags[value.name.value])
    return isinstance(value, BooleanValueNode) and value.value


class _Flags(Visitor):
    """Gathers the variables that decide what is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        """Look at a directive."""
        for argument in node.arguments or ():
            if node.name.value in CONDITIONS and isinstance(argument.value, VariableNode):
                self.found[argument.value.name.value] = None


def list_flags(operation: OperationDefinitionNode, fragments: Fragments) -> tuple[str, ...]:
    """Return the names of the variables of @skip and @include in an operation and in all fragments."""
    flags = _Flags()
    nodes: list[Node] = [operation, *fragments.definitions.values()]
    for node in nodes:
        visit(node, flags)
    names = {each.variable.name.value for each in operation.variable_definitions or ()}
    return tuple(name for name in flags.found if name in names)
