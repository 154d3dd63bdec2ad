"""What a new contract does to clients of an older one: `matinee schema check` asks before a release."""

from dataclasses import dataclass

from graphql import build_schema, find_breaking_changes, find_dangerous_changes


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. A breaking one fails queries that worked; any other may only surprise."""

    text: str
    breaking: bool

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{'breaking' if self.breaking else 'dangerous'}: {self.text}"


def changes(old: str, new: str) -> list[Change]:
    """Return what a client of the SDL `old` meets under `new`, breaking changes first; raise GraphQLError on bad SDL.

    What only adds to the contract is not among them.
    """
    before, after = build_schema(old), build_schema(new)
    breaking = [Change(found.description, breaking=True) for found in find_breaking_changes(before, after)]
    surprising = [Change(found.description, breaking=False) for found in find_dangerous_changes(before, after)]
    return breaking + surprising
