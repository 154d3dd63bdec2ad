"""Reads shell commands, GraphQL documents and shown answers from the pages, so that tests can run them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
BLOCK: Final = re.compile(r"^```(sh|graphql|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A block of commands or a document, and the answer that the page shows for it, None where it shows none."""

    language: str
    text: str
    answer: Any


def list_pages() -> list[Path]:
    """Return every page of the repository."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read_steps(page: str) -> list[Step]:
    """Return the commands and documents of a page in order, each with its shown answer."""
    found: list[Step] = []
    for language, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if language != "json":
            found.append(Step(language, text, None))
        elif found and found[-1].answer is None:
            found[-1] = Step(found[-1].language, found[-1].text, json.loads(text))
    return found


def compare_answers(shown: object, given: object, path: str = "answer") -> list[str]:
    """Return the places where an answer has another shape than the shown one; a shown null matches every value."""
    match shown, given:
        case dict(), dict():
            strange = [f"{path}: {sorted(shown)} shown, {sorted(given)} given"] if shown.keys() != given.keys() else []
            shared = shown.keys() & given.keys()
            return [*strange, *(d for key in shared for d in compare_answers(shown[key], given[key], f"{path}.{key}"))]
        case [first, *_], [*items]:
            return [] if items and not compare_answers(first, items[0]) else [f"{path}: {first} shown, {items} given"]
        case None, _:
            return []
        case _:
            same = isinstance(given, int | float) if isinstance(shown, float) else type(shown) is type(given)
            return [] if same else [f"{path}: {shown!r} shown, {given!r} given"]
