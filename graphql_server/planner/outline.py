"""The outline of an operation: its fields with their declarations, and the places that arguments decide about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues
from strawberry.types.field import StrawberryField

from db import selects
from graphql_server.field_declarations import DEFINITION, find_declaration, find_node_class, find_types_by_prefix
from graphql_server.planner.arguments import (
    MOST_TEMPLATES,
    Given,
    fill_template,
    list_variables,
    make_template,
)
from graphql_server.planner.selection import Flags, Fragments, collect_fields
from resolvers.planned_reads import Arguments, ListPage, NodeRow, Reads, RowById, SameRow, SqlValue, ViewerRow

TYPENAME: Final = "__typename"
# Objects that a connection is made of; graphql_server/planner/pages.py writes them.
PAGED: Final = ("Connection", "Edge", "PageInfo")


class Unplanned(Exception):
    """An operation, or its variables, are for the executor; the message says why."""


@dataclass(slots=True)
class Object:
    """What is selected of a type of objects."""

    kind: GraphQLObjectType
    fields: list["Field"]


@dataclass(slots=True)
class Field:
    """A field under its response key. `below` is what is selected of its object, by the kind of id where that varies."""

    key: str
    name: str
    type: GraphQLOutputType | None = None
    reads: Reads | None = None
    site: int | None = None
    below: Object | None = None
    by_prefix: Mapping[str, Object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose fields are outlined: the row of one root field (a site), the viewer's, or any row of a list."""

    site: int | None = None
    is_viewer: bool = False

    @property
    def is_known(self) -> bool:
        """Whether the row's id is known before the statement runs."""
        return self.site is not None or self.is_viewer


ANY_ROW: Final = Owner()


@dataclass(frozen=True, slots=True)
class Site:
    """A field with arguments that decide about the statement or its parameters."""

    key: str
    declared: GraphQLField
    node: FieldNode
    reads: RowById | NodeRow | ListPage
    # None at the root.
    owner: Owner | None
    has_variables: bool
    templates: dict[Given, Arguments | None] = field(default_factory=dict, compare=False)

    def read_arguments(self, variables: VariableValues | None, given: Given) -> Arguments:
        """Return the arguments; raise Unplanned where they are for the executor, GraphQLError where they are not valid."""
        try:
            template = self.templates[given]
        except KeyError:
            if len(self.templates) >= MOST_TEMPLATES:
                self.templates.clear()
            template = self.templates[given] = make_template(self.declared, self.node, given)
        if template is None:
            raise Unplanned(f"the arguments of {self.key} are no plain values")
        if variables is None or not self.has_variables:
            return template
        filled: Arguments = fill_template(template, variables.coerced)
        return filled


@dataclass(slots=True)
class Outline:
    """All of an operation: what its statement answers, and the fields of the root that are left to the executor."""

    root: Object
    sites: list[Site]
    left: dict[str, list[FieldNode]] = field(default_factory=dict)
    # Response keys of the whole answer, in their order.
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class Outliner:
    """Outlines one operation for one set of flags, and for the kinds of ids that its root fields ask for."""

    fragments: Fragments
    flags: Flags
    prefixes: Mapping[str, Sequence[str]]
    sites: list[Site] = field(default_factory=list)

    def outline_query(self, operation: OperationDefinitionNode) -> Outline:
        """Return the outline of a query; raise Unplanned where it has a field that is for the executor."""
        kind = expect_query_type(self.fragments)
        chosen = collect_fields(self.fragments, kind, [operation.selection_set], self.flags)
        outline = Outline(Object(kind, []), self.sites, keys=tuple(chosen))
        reasons: list[Unplanned] = []
        for key, nodes in chosen.items():
            sites = len(self.sites)
            try:
                outline.root.fields.append(self.outline_field(kind, key, nodes, None))
            except Unplanned as reason:
                del self.sites[sites:]
                outline.left[key] = nodes
                reasons.append(reason)
        if reasons and all(each.name == TYPENAME for each in outline.root.fields):
            raise reasons[0]
        return outline

    def outline_object(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode], owner: Owner) -> Object:
        """Return what fields select of their object."""
        sets = [node.selection_set for node in nodes if node.selection_set]
        return self.outline_selection(kind, sets, owner)

    def outline_selection(
        self, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], owner: Owner | None
    ) -> Object:
        """Return what selections ask of a type."""
        chosen = collect_fields(self.fragments, kind, sets, self.flags)
        return Object(kind, [self.outline_field(kind, key, nodes, owner) for key, nodes in chosen.items()])

    def outline_field(
        self, kind: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], owner: Owner | None
    ) -> Field:
        """Return the outline of one field; raise Unplanned where it has no declaration."""
        name = nodes[0].name.value
        if name == TYPENAME:
            return Field(key, name)
        if name.startswith("__"):
            raise Unplanned(f"{kind.name}.{name} is introspection")
        declared = kind.fields[name]
        named = get_named_type(declared.type)
        if kind.name.endswith(PAGED):
            below = self.outline_object(named, nodes, ANY_ROW) if isinstance(named, GraphQLObjectType) else None
            return Field(key, name, declared.type, below=below)
        reads = find_reads(kind, name, declared)
        site = (
            self.add_site(key, declared, nodes[0], reads, owner)
            if isinstance(reads, ListPage | RowById | NodeRow)
            else None
        )
        outlined = Field(key, name, declared.type, reads, site)
        if isinstance(reads, NodeRow):
            outlined.by_prefix = {each: self.outline_node(each, nodes, site) for each in self.prefixes[key]}
        elif not is_leaf_type(named):
            outlined.below = self.outline_object(expect_object_type(named), nodes, find_owner_below(reads, owner, site))
        return outlined

    def outline_node(self, prefix: str, nodes: Sequence[FieldNode], site: int | None) -> Object:
        """Return what is selected of a node of this kind."""
        kind = find_types_by_prefix(self.fragments.schema).get(prefix)
        if kind is None:
            raise Unplanned(f"objects with an id that begins with {prefix}_ are not planned")
        return self.outline_object(kind, nodes, Owner(site=site))

    def add_site(
        self,
        key: str,
        declared: GraphQLField,
        node: FieldNode,
        reads: RowById | NodeRow | ListPage,
        owner: Owner | None,
    ) -> int:
        """Add a site, and return its number."""
        self.sites.append(Site(key, declared, node, reads, owner, bool(list_variables(node))))
        return len(self.sites) - 1


def find_any_id_sites(outliner: Outliner, operation: OperationDefinitionNode) -> list[Site]:
    """Return the fields of a query's root whose types depend on the ids that they are given."""
    kind = expect_query_type(outliner.fragments)
    chosen = collect_fields(outliner.fragments, kind, [operation.selection_set], outliner.flags)
    found = []
    for key, (node, *_) in chosen.items():
        declared = kind.fields.get(node.name.value)
        reads = find_declaration(declared).reads if declared else None
        if declared and isinstance(reads, NodeRow):
            found.append(Site(key, declared, node, reads, None, bool(list_variables(node))))
    return found


def expect_query_type(fragments: Fragments) -> GraphQLObjectType:
    """Return the type of the root of queries."""
    kind = fragments.schema.query_type
    if kind is None:
        raise TypeError("the schema has no queries")
    return kind


def find_owner_below(reads: Reads, owner: Owner | None, site: int | None) -> Owner:
    """Return whose fields are below a field."""
    if isinstance(reads, RowById):
        return Owner(site=site)
    if isinstance(reads, ViewerRow):
        return Owner(is_viewer=True)
    return owner if isinstance(reads, SameRow) and owner is not None else ANY_ROW


def expect_object_type(kind: GraphQLNamedType) -> GraphQLObjectType:
    """Return a type that is a type of objects; raise Unplanned for another one."""
    if not isinstance(kind, GraphQLObjectType):
        raise Unplanned(f"{kind.name} is no type of objects")
    return kind


def find_reads(kind: GraphQLObjectType, name: str, declared: GraphQLField) -> Reads:
    """Return how a field reads: as it is declared, or as the column of its name; raise Unplanned otherwise."""
    found = find_declaration(declared).reads
    if found is not None:
        return found
    column = find_column(kind, declared)
    if column is None:
        raise Unplanned(f"{kind.name}.{name} has no declaration")
    return SqlValue(lambda row: row[column])


def find_column(kind: GraphQLObjectType, declared: GraphQLField) -> str | None:
    """Return the column that a field without a resolver reads; None where the row has no column of its name."""
    definition = declared.extensions.get(DEFINITION)
    known = find_node_class(kind)
    if known is None or not isinstance(definition, StrawberryField) or definition.base_resolver is not None:
        return None
    if not is_leaf_type(get_named_type(declared.type)):
        return None
    names = {each.key for each in selects.list_columns(known.row)}
    return definition.python_name if definition.python_name in names else None
