"""Compares two schemas for changes that break or surprise clients, for `matinee schema check`."""

from dataclasses import dataclass

from graphql import GraphQLError, GraphQLSchema, build_schema, find_breaking_changes, find_dangerous_changes


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. A breaking one fails queries that worked; any other may only surprise."""

    text: str
    breaking: bool

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{'breaking' if self.breaking else 'dangerous'}: {self.text}"


def list_changes(old: str, new: str) -> list[Change]:
    """Return what a client of the SDL `old` meets under `new`, breaking changes first; raise GraphQLError on bad SDL.

    Additions are not among them.
    """
    before, after = parse_sdl(old), parse_sdl(new)
    breaking = [Change(found.description, breaking=True) for found in find_breaking_changes(before, after)]
    surprising = [Change(found.description, breaking=False) for found in find_dangerous_changes(before, after)]
    return breaking + surprising


def parse_sdl(sdl: str) -> GraphQLSchema:
    """Return the schema that an SDL describes; raise GraphQLError where it does not parse or hold together."""
    try:
        return build_schema(sdl)
    except TypeError as error:
        raise GraphQLError(str(error)) from error
