"""Parses and validates documents within the limits of a server: the slow part, done once for each document."""

from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    StringValueNode,
    parse,
    validate,
)
from graphql.language.parser import MAX_NESTING_DEPTH
from graphql.validation.rules import overlapping_fields_can_be_merged as merging
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from config.limits import RequestLimits
from errors import QueryTooCostly
from graphql_server.document_limits import make_refusal, require_at_most

# A fault may quote a document as long as it may be, and takes its time to do so.
MOST_FAULTS: Final = 10
NUL: Final = "\0"
INTROSPECTION: Final = ("__schema", "__type")
NO_INTROSPECTION: Final = (
    "Introspection is switched off on this server. Ask for `__typename` alone; the contract is its file schema.graphql."
)
# What graphql-core says of a document that is too long; it has no error of its own for it.
TOO_MANY_TOKENS: Final = "Document contains more than"
TOO_DEEP: Final = "Document is nested too deeply"
# And of one that it gives up on for being too much to compare, not for its many faults.
GIVEN_UP: Final = "Validation aborted."


class NoNul(ASTValidationRule):
    """No string in a document has a NUL in it, which PostgreSQL cannot hold."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Look at a string."""
        if NUL in node.value:
            self.report_error(GraphQLError("A string must not contain the character NUL.", node))


class Introspects(GraphQLError):
    """A document asks for the schema."""


class NoIntrospection(ASTValidationRule):
    """Notes the first field that asks for the schema."""

    noted = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Look at a field."""
        if not self.noted and node.name.value in INTROSPECTION:
            self.noted = True
            self.report_error(Introspects(NO_INTROSPECTION, node))


# Strawberry's own come with its function to validate, which has no limit on faults.
MORE_RULES: Final = (MaybeNullValidationRule, OneOfInputValidationRule, NoNul, NoIntrospection)


def validate_document(
    schema: GraphQLSchema, document: DocumentNode, rules: tuple[type[ASTValidationRule], ...], limits: RequestLimits
) -> list[GraphQLError]:
    """Return what is wrong with a document; raise QueryTooCostly where it takes too long to tell."""
    # The rule's own way to be told; it reads this when it starts. Left alone it may take two seconds.
    merging.MAX_COMPLEXITY_BUDGET = limits.comparisons
    found = validate(schema, document, (*rules, *MORE_RULES), max_errors=MOST_FAULTS)
    if any(isinstance(fault, ValidationAbortedError) and fault.message == GIVEN_UP for fault in found):
        raise make_refusal(
            f"more than {limits.comparisons}", limits.comparisons, "comparisons of fields", "COMPARISONS"
        )
    return found


def parse_document(text: str, limits: RequestLimits) -> DocumentNode:
    """Return the document; raise GraphQLError where it does not parse, QueryTooCostly where it is too long or too deep."""
    try:
        return parse(text, max_tokens=limits.tokens, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if TOO_MANY_TOKENS in error.message:
            # It stops reading there.
            require_at_most(limits.tokens + 1, limits.tokens, "tokens or more", "TOKENS")
        if TOO_DEEP in error.message:
            raise make_depth_refusal(limits) from None
        raise


def make_depth_refusal(limits: RequestLimits) -> QueryTooCostly:
    """Return the refusal of a document that is too deep for its fields to be counted."""
    return make_refusal(f"more than {MAX_NESTING_DEPTH}", limits.depth, "levels within each other", "DEPTH")
