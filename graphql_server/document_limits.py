"""Limits of a document, checked before it is validated: some rules of validation are slow where much is repeated."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from config.limits import PREFIX, RequestLimits
from errors import QueryTooCostly

# Fragments that double each other make numbers with thousands of digits.
MOST_SHOWN: Final = 10**9


@dataclass(slots=True)
class Size:
    """The size of a selection; a fragment counts each time that it is spread."""

    depth: int = 0
    aliases: int = 0
    # Fields of the outermost selection.
    fields: int = 0

    def add_beside(self, other: "Size") -> None:
        """Add what is selected beside it, such as a fragment."""
        self.depth = max(self.depth, other.depth)
        self.aliases += other.aliases
        self.fields += other.fields

    def add_field(self, field: FieldNode, below: "Size") -> None:
        """Add a field and what is selected below it."""
        self.depth = max(self.depth, 1 + below.depth)
        self.aliases += below.aliases + (field.alias is not None)
        self.fields += 1


@dataclass(slots=True)
class Survey:
    """The sizes and counts of one document. Each fragment is measured once, however often it is spread."""

    limits: RequestLimits
    fragments: dict[str, FragmentDefinitionNode]
    sizes: dict[str, Size] = field(default_factory=dict)
    directives: int = 0

    def measure_selection(self, node: SelectionSetNode | None) -> Size:
        """Return the size of a selection; raise QueryTooCostly where it repeats a name too often."""
        found, names = Size(), Counter[str]()
        if node is not None:
            self.add_selection(node, "", found, names)
        for name, times in names.most_common(1):
            require_at_most(times, self.limits.repeats, f"times `{name[:50]}` in one selection", "REPEATS")
        return found

    def add_selection(self, node: SelectionSetNode, kind: str, found: Size, names: Counter[str]) -> None:
        """Add a selection to the one that is being measured; `kind` is the type condition of an inline fragment around it."""
        for each in node.selections:
            self.count_directives(each.directives)
            if isinstance(each, FieldNode):
                names[kind + (each.alias or each.name).value] += 1
                found.add_field(each, self.measure_selection(each.selection_set))
            elif isinstance(each, InlineFragmentNode):
                on = each.type_condition
                self.add_selection(each.selection_set, f"... on {on.name.value} " if on else kind, found, names)
            elif isinstance(each, FragmentSpreadNode):
                names[f"{kind}...{each.name.value}"] += 1
                found.add_beside(self.measure_fragment(each.name.value))

    def measure_fragment(self, name: str) -> Size:
        """Return the size of a fragment. One that spreads itself counts as empty there; validation refuses it later."""
        if name not in self.sizes:
            self.sizes[name] = Size()
            definition = self.fragments.get(name)
            if definition is not None:
                self.count_directives(definition.directives)
                self.sizes[name] = self.measure_selection(definition.selection_set)
        return self.sizes[name]

    def check_operation(self, node: OperationDefinitionNode) -> None:
        """Raise QueryTooCostly where an operation is over a limit."""
        self.count_directives(node.directives)
        for variable in node.variable_definitions or ():
            self.count_directives(variable.directives)
        size = self.measure_selection(node.selection_set)
        require_at_most(size.depth, self.limits.depth, "fields within each other", "DEPTH")
        require_at_most(size.aliases, self.limits.aliases, "aliases in one operation", "ALIASES")
        if node.operation is OperationType.MUTATION:
            require_at_most(size.fields, self.limits.mutations, "mutations in one operation", "MUTATIONS")

    def count_directives(self, found: "tuple[object, ...] | None") -> None:
        """Count the directives of one place."""
        if found:
            require_at_most(len(found), self.limits.directives_here, "directives in one place", "DIRECTIVES_HERE")
            self.directives += len(found)


def check(document: DocumentNode, limits: RequestLimits) -> None:
    """Raise QueryTooCostly where a document is over a limit; takes time in proportion to its length."""
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    require_at_most(len(operations), limits.operations, "operations", "OPERATIONS")
    require_at_most(len(fragments), limits.fragments, "fragments", "FRAGMENTS")
    survey = Survey(limits, fragments)
    for operation in operations:
        survey.check_operation(operation)
    # Those that no operation spreads are validated too.
    for name in fragments:
        survey.measure_fragment(name)
    require_at_most(survey.directives, limits.directives, "directives", "DIRECTIVES")


def require_at_most(found: int, limit: int, what: str, variable: str) -> None:
    """Raise QueryTooCostly where more was found than the limit of a variable."""
    if found > limit:
        raise make_refusal(str(found) if found < MOST_SHOWN else f"more than {MOST_SHOWN}", limit, what, variable)


def make_refusal(found: str, limit: int, what: str, variable: str) -> QueryTooCostly:
    """Return the refusal of a document with more than the limit of a variable."""
    return QueryTooCostly(found=found, what=what, limit=limit, variable=f"{PREFIX}{variable}")
