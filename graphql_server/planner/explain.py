"""Explains how the operations of a document run: by which outline and statement, or why on the executor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import DocumentNode, GraphQLObjectType, GraphQLSchema, OperationDefinitionNode

from db.cursors import CursorCodec
from errors import Refusal, Refusals
from graphql_server.field_usage import collect_used_fields
from graphql_server.planner.binding import Request
from graphql_server.planner.operations import Caller, Run, make_planned_query
from graphql_server.planner.outline import Object, Unplanned, find_reads
from resolvers.planned_reads import GlobalId, ListPage, ManyRows, NodeRow, OneRow, RowById, SameRow, SqlValue, ViewerRow

WORDS: Final = {
    SqlValue: "value",
    GlobalId: "value",
    SameRow: "object of the same row",
    OneRow: "row",
    ManyRows: "list of rows",
    ListPage: "page of a list",
    RowById: "row by its id",
    NodeRow: "row by an id of any kind",
    ViewerRow: "row of the viewer",
}
# The id of the caller for whom operations are explained.
SOMEBODY: Final = 1
MOST_IDS: Final = 100


@dataclass(frozen=True, slots=True)
class Explained:
    """An operation. `reasons` say why the executor runs it or, where there is a statement, some of its fields."""

    name: str
    outline: list[str]
    reasons: list[str]
    run: Run | None = None


def explain_operations(
    schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
) -> Iterator[Explained]:
    """Yield how each operation of a valid document is run, for a caller who is signed in."""
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            name = node.name.value if node.name else None
            label = f"{node.operation.value} {name or ''}".rstrip()
            yield explain_operation(schema, document, name, label=label, variables=variables)


def explain_operation(
    schema: GraphQLSchema, document: DocumentNode, name: str | None, *, label: str, variables: Mapping[str, Any]
) -> Explained:
    """Return how one operation is run."""
    operation = make_planned_query(schema, document, name)
    if operation is None:
        return Explained(label, [], ["it is no query"])
    request = Request(SOMEBODY, CursorCodec((b"",)), MOST_IDS)
    try:
        run = operation.find_run(variables, request, Caller(SOMEBODY, "", may_lag=False))
    except Unplanned as reason:
        return Explained(label, [], list_undeclared_fields(schema, document, name) or [str(reason)])
    except (Refusal, Refusals) as refusal:
        return Explained(label, [], [f"an argument is refused: {refusal}"])
    reasons = list_undeclared_fields(schema, document, name) if run.left_to_executor else []
    return Explained(label, list(format_outline(run.outline.root)), reasons, run)


def list_undeclared_fields(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> list[str]:
    """Return the fields of an operation that no statement can read, and why."""
    found = []
    for each in sorted(
        collect_used_fields(schema, document, operation=name), key=lambda field: (field.type, field.field)
    ):
        kind = schema.type_map[each.type]
        if isinstance(kind, GraphQLObjectType) and not each.type.endswith(("Connection", "Edge", "PageInfo")):
            try:
                find_reads(kind, each.field, kind.fields[each.field])
            except Unplanned as reason:
                found.append(str(reason))
    return found


def format_outline(selected: Object, depth: int = 0) -> Iterator[str]:
    """Yield the outline of an object, a line for each field."""
    for each in selected.fields:
        how = WORDS.get(type(each.reads), "") if each.reads else ""
        alias = f"{each.key}: " if each.key != each.name else ""
        yield f"{'  ' * depth}{alias}{each.name}" + (f" ({how})" if how else "")
        for below in [each.below] if each.below else each.by_prefix.values():
            yield from format_outline(below, depth + 1)
