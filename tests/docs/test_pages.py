"""The pages name nothing that is not there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from cli.main import commands
from tests.support.pages import ROOT, markdown

LINK: Final = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")
# What is written as code and looks like a file or folder of ours: `domain/stock.py`, `rest/cinema/`.
NAMED: Final = re.compile(r"`((?:[a-z_]+/)+(?:[\w.-]+\.\w+)?|\w+\.(?:py|graphql|yaml))(?:: ?\w+(?:\(\))?)?`")
# These are there when somebody has run the server.
MADE: Final = ("node_modules", ".matinee")


def headings(page: Path) -> set[str]:
    """Return the anchors that a page's headings get."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", markdown(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        assert not anchor or anchor in headings(found), anchor


@pytest.mark.parametrize("page", markdown(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_folders_named_are_there(page: Path) -> None:
    for name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert name.startswith(MADE) or (ROOT / name).exists(), name


def test_every_page_of_docs_is_linked_to_from_the_readme() -> None:
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages <= linked


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs/adr").glob("0*.md")):
        number, title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(". ", 1)
        assert f"{number}. [{title}]({page.name})" in index.splitlines()
        assert page.name.startswith(f"{int(number):04}-")


def test_the_readme_has_a_line_for_each_folder() -> None:
    tree = re.search(
        r"^## The tree\n\n```\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert tree is not None
    told = {line.split()[0].rstrip("/") for line in tree[1].splitlines()}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {path.name for path in ROOT.glob("*.py")}
    assert told == packages | {"docs"}


def test_the_readme_has_every_command_and_no_other() -> None:
    named = set(
        re.findall(
            r"`matinee ([a-z]+(?: (?:add|export|check|list|remove))?)", (ROOT / "README.md").read_text(encoding="utf-8")
        )
    )
    assert named == set(names(get_command(commands)))


def names(group: object, before: str = "") -> Iterator[str]:
    """Yield the commands of the program, those of a group behind the group's name."""
    for name, command in getattr(group, "commands", {}).items():
        yield from names(command, f"{before}{name} ") if hasattr(command, "commands") else [f"{before}{name}"]
