"""Which fields of the schema an operation asks for, through all its fragments."""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    is_introspection_type,
    visit,
)
from graphql.type import GraphQLInterfaceType, GraphQLObjectType

from runtime.metrics import Coordinate


class Fields(Visitor):
    """Gathers the fields below a node, and the names of the fragments that are spread there."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.found: set[Coordinate] = set()
        self.spread: set[str] = set()

    def enter_field(self, _node: FieldNode, *_: object) -> None:
        """Note a field of ours; `__typename` and introspection are none."""
        parent, definition = self._types.get_parent_type(), self._types.get_field_def()
        if parent is None or definition is None or is_introspection_type(parent):
            return
        name = _node.name.value
        if not name.startswith("__"):
            self.found.add(Coordinate(parent.name, name, definition.deprecation_reason is not None))

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        """Note a fragment to look into."""
        self.spread.add(node.name.value)


def collect_used_fields(
    schema: GraphQLSchema, document: DocumentNode, *, operation: str | None
) -> frozenset[Coordinate]:
    """Return the fields that an operation of a valid document asks for; without a name, those of its only one.

    Each fragment is looked into once, however often it is spread.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    left: list[Node] = [choose_operation(document, operation)]
    seen: set[str] = set()
    found: set[Coordinate] = set()
    while left:
        types = TypeInfo(schema)
        fields = Fields(types)
        visit(left.pop(), TypeInfoVisitor(types, fields))
        found |= fields.found
        left += [fragments[name] for name in fields.spread - seen]
        seen |= fields.spread
    return frozenset(found)


def choose_operation(document: DocumentNode, operation: str | None) -> OperationDefinitionNode:
    """Return the operation of that name, or the first where none is given."""
    return next(
        node
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        and (operation is None or (node.name is not None and node.name.value == operation))
    )


def list_deprecated_fields(schema: GraphQLSchema) -> Iterator[Coordinate]:
    """Yield the fields that clients should leave."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                if field.deprecation_reason is not None:
                    yield Coordinate(kind.name, name, deprecated=True)
