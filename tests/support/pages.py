"""Takes pages apart into what can be tried: shell commands, GraphQL documents, and the answers shown beneath them."""

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


def markdown() -> list[Path]:
    """Return every page of the repository."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def steps(page: str) -> list[Step]:
    """Return what a page tells its reader to do, in order."""
    found: list[Step] = []
    for language, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if language != "json":
            found.append(Step(language, text, None))
        elif found and found[-1].answer is None:
            found[-1] = Step(found[-1].language, found[-1].text, json.loads(text))
    return found


def differences(shown: object, given: object, path: str = "answer") -> list[str]:
    """Return where an answer has another shape than the one that a page shows; null is shown for what may be null."""
    match shown, given:
        case dict(), dict():
            strange = [f"{path}: {sorted(shown)} shown, {sorted(given)} given"] if shown.keys() != given.keys() else []
            shared = shown.keys() & given.keys()
            return [*strange, *(d for key in shared for d in differences(shown[key], given[key], f"{path}.{key}"))]
        case [first, *_], [*items]:
            return [] if items and not differences(first, items[0]) else [f"{path}: {first} shown, {items} given"]
        case None, _:
            return []
        case _:
            same = isinstance(given, int | float) if isinstance(shown, float) else type(shown) is type(given)
            return [] if same else [f"{path}: {shown!r} shown, {given!r} given"]
