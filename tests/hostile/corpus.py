"""Hostile requests as data: the files in corpus/, read, multiplied and spelled out as the bytes that are sent."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

FOLDER: Final = Path(__file__).parent / "corpus"
PLACEHOLDER: Final = re.compile(r"\{\{([a-z0-9_.]+)\}\}")
GRAPHQL: Final = "/graphql"
GRAPHQL_JSON: Final = "application/graphql-response+json"
MEMBERS: Final = ("query", "variables", "operationName", "extensions")


@dataclass(frozen=True, slots=True)
class Hostile:
    """One request, and what its answer must be."""

    name: str
    told: Mapping[str, Any]
    # Any of these; none named means anything but a server error.
    statuses: tuple[int, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)

    def path(self) -> str:
        """Return the path as it is told, with its placeholders."""
        if "raw" in self.told:
            _, _, rest = self.told["raw"].partition(" ")
            return str(rest.partition(" ")[0])
        return str(self.told.get("path", GRAPHQL))

    def spelled(self, known: Mapping[str, str]) -> bytes:
        """Return what is sent; `known` stands in the placeholders."""
        known = {**known, **self.given}
        if "raw" in self.told:
            return filled(self.told["raw"], known).replace("\n", "\r\n").encode("latin-1")
        body = self._body(known)
        return self._head(known, body) + (body or b"")

    def _body(self, known: Mapping[str, str]) -> bytes | None:
        told = self.told
        if "hex" in told:
            return bytes.fromhex(told["hex"])
        if "pieces" in told:
            return b"".join(piece(each, known) for each in told["pieces"])
        if "body" in told:
            return filled(told["body"], known).encode("utf-8", "surrogateescape")
        if "json" in told:
            return filled(json.dumps(told["json"]), known).encode()
        if "query" in told and told.get("method", "POST") == "POST":
            members = {name: told[name] for name in MEMBERS if name in told}
            return filled(json.dumps(members), known).encode()
        return None

    def _head(self, known: Mapping[str, str], body: bytes | None) -> bytes:
        method = self.told.get("method", "GET" if body is None else "POST")
        path = filled(self.path(), {name: quote(value, safe="=&") for name, value in known.items()})
        headers: dict[str, Any] = {"Host": "cinema.test", "Connection": "close"}
        if path.startswith(GRAPHQL):
            headers["Accept"] = GRAPHQL_JSON
        if path.startswith("/api/"):
            headers["X-Auth-Token"] = "{{counter}}"
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        if "by" in self.told:
            headers["Authorization"] = f"Bearer {{{{{self.told['by']}.token}}}}"
        headers |= self.told.get("headers", {})
        lines = [f"{method} {path} HTTP/1.1"]
        for name, value in headers.items():
            # Several values are several headers; an empty list takes one away.
            lines += [f"{name}: {filled(str(each), known)}" for each in (value if isinstance(value, list) else [value])]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


# A name, and the requests of one test.
Group = tuple[str, list[Hostile]]


def filled(text: str, known: Mapping[str, str]) -> str:
    """Return the text with what its placeholders stand for; what is none of ours stays as it is."""
    return PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), text)


def piece(told: str | Mapping[str, Any], known: Mapping[str, str]) -> bytes:
    """Return a part of a body, repeated as often as it says."""
    if isinstance(told, str):
        return filled(told, known).encode()
    return filled(told["text"], known).encode() * int(told["times"])


def loaded(name: str) -> dict[str, Any]:
    """Return a file of the corpus."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def statuses(told: Any) -> tuple[int, ...]:  # noqa: ANN401 - a number, a list of them, or nothing
    """Return the statuses that an entry names."""
    if told is None:
        return ()
    return tuple(told) if isinstance(told, list) else (told,)


def single(name: str) -> Iterator[Hostile]:
    """Yield the requests of a file that are written out one by one."""
    for told in loaded(name)["request"]:
        yield Hostile(f"{name}: {told['name']}", told, statuses(told.get("status")))


def bodies() -> Iterator[Group]:
    """Yield every body at every door, by doors."""
    file = loaded("bodies")
    for door in file["door"]:
        yield f"bodies at {door['name']}", list(bodies_at(door, file["body"]))


def bodies_at(door: Mapping[str, Any], each: list[dict[str, Any]]) -> Iterator[Hostile]:
    """Yield every body at a door."""
    for body in each:
        family = "graphql" if door["path"] == GRAPHQL else "rest"
        headers = {**door.get("headers", {}), **body.get("headers", {})}
        expected = body.get(door["name"]) or body.get(family) or body.get("status")
        if door.get("needs_none") and "needs_none" in body:
            expected = body["needs_none"]
        told = {**door, **body, "headers": headers}
        yield Hostile(f"{body['name']} at {door['name']}", told, statuses(expected))


def values() -> Iterator[Group]:
    """Yield every value in every place, by places."""
    file = loaded("values")
    for place in file["place"]:
        yield f"values as {place['name']}", list(values_in(place, file["value"]))


def values_in(place: Mapping[str, Any], each: list[dict[str, Any]]) -> Iterator[Hostile]:
    """Yield every value in a place."""
    for value in each:
        raw = value["json"]
        if "path" in place and "{{value}}" in place["path"]:
            text = in_address(raw)
            # Without it the address would be another one.
            if not text:
                continue
            raw = text
        expected = statuses(value.get("status"))
        name = f"{value['name']} as {place['name']}"
        yield Hostile(name, place, expected, {"value": raw})


def in_address(raw: str) -> str | None:
    """Return a value as an address spells it, None where it has no spelling there."""
    try:
        found = json.loads(raw)
        text = found if isinstance(found, str) else raw
        text.encode()
    except ValueError:
        return None
    return text if len(text) < 8_000 else None


def tokens() -> Iterator[Group]:
    """Yield every token at every door that looks at one, by doors."""
    file = loaded("tokens")
    for door in file["door"]:
        yield f"tokens at {door['name']}", list(tokens_at(door, file["token"]))


def tokens_at(door: Mapping[str, Any], each: list[dict[str, Any]]) -> Iterator[Hostile]:
    """Yield every token at a door."""
    for token in each:
        header = token.get("header", f"Bearer {{{{token.{token['name'].replace(' ', '_')}}}}}")
        told = {**door, "headers": {**door.get("headers", {}), "Authorization": header}}
        yield Hostile(f"{token['name']} at {door['name']}", told, (401,))
