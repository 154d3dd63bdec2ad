"""Documents, parsed and validated once each, which costs more than to run them."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    StringValueNode,
    parse,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.schema.schema import validate_document

# The introspection query of the playground has 400.
MOST_TOKENS: Final = 10_000
# A character of a document takes up to 120 bytes once it is parsed; so this is 25 MB at most.
MOST_CHARACTERS: Final = 200_000
LONGEST_REMEMBERED: Final = 20_000
NUL: Final = "\0"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that parses, and what its validation found."""

    document: DocumentNode
    faults: list[GraphQLError]

    @property
    def has_several_operations(self) -> bool:
        """Whether a request must say which of its operations it means."""
        operations = [each for each in self.document.definitions if isinstance(each, OperationDefinitionNode)]
        return len(operations) > 1


class Shelf:
    """Prepared documents by their text; those that nobody asked for the longest make room for new ones."""

    def __init__(self, *, room: int = MOST_CHARACTERS, longest: int = LONGEST_REMEMBERED) -> None:
        """Keep texts of `longest` characters each, and of `room` characters altogether."""
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._room = room
        self._longest = longest

    def find(self, text: str) -> Prepared | None:
        """Return what was kept under a text, None where nothing is."""
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
        return found

    def keep(self, text: str, prepared: Prepared) -> None:
        """Keep a document, unless it is too long to be worth its memory."""
        if len(text) > self._longest or text in self._kept:
            return
        self._kept[text] = prepared
        self._room -= len(text)
        while self._room < 0:
            forgotten, _ = self._kept.popitem(last=False)
            self._room += len(forgotten)


class NoNul(ASTValidationRule):
    """No string in a document has a NUL in it, which PostgreSQL cannot hold."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Look at a string."""
        if NUL in node.value:
            self.report_error(GraphQLError("A string must not contain the character NUL.", node))


class Documents(SchemaExtension):
    """Takes the place of parsing and validating where a document is known already."""

    # One for all requests: the extension itself is made anew for each.
    shelf = Shelf()

    def on_parse(self) -> Iterator[None]:
        """Find the document, or prepare it; raise GraphQLError where it does not parse.

        Raise CannotGetOperationTypeError where it has several operations and none is named.
        """
        asked = self.execution_context
        text = asked.query or ""
        prepared = self.shelf.find(text)
        if prepared is None:
            prepared = prepare(asked.schema._schema, text, asked.validation_rules)  # noqa: SLF001 - there is no other way to it
            self.shelf.keep(text, prepared)
        if asked.operation_name is None and prepared.has_several_operations:
            # GetOperation of the specification; Strawberry would run the first.
            raise CannotGetOperationTypeError(None)
        self._faults = prepared.faults
        asked.graphql_document = prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        """Tell what validation found when the document was prepared."""
        self.execution_context.pre_execution_errors = self._faults
        yield


def prepare(schema: GraphQLSchema, text: str, rules: tuple[type[ASTValidationRule], ...]) -> Prepared:
    """Return the document with what validation finds; raise GraphQLError where it does not parse or is too large."""
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
        return Prepared(document, validate_document(schema, document, (*rules, NoNul)))
    except RecursionError:
        raise GraphQLError("The document is nested too deeply.") from None
