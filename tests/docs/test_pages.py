"""Links, files, folders, commands and decisions that the pages name exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.main import get_command

from cli.main import commands
from tests.support.pages import ROOT, list_pages

LINK: Final = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")
# Code spans that look like a file or folder of the repository: `domain/stock.py`, `rest/cinema/`.
NAMED: Final = re.compile(r"`((?:[a-z_]+/)+(?:[\w.-]+\.\w+)?|\w+\.(?:py|graphql|yaml))(?:: ?\w+(?:\(\))?)?`")
# Running the server makes these.
MADE: Final = ("node_modules", ".matinee")


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_page_have_targets(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        assert not anchor or anchor in list_anchors(found), anchor


@pytest.mark.parametrize("page", list_pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_folders_named_in_page_exist(page: Path) -> None:
    for name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert name.startswith(MADE) or (ROOT / name).exists(), name


def test_readme_links_every_page_of_docs() -> None:
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    folders = (ROOT / "docs", ROOT / "docs/contract")
    pages = {str(page.relative_to(ROOT)) for folder in folders for page in folder.glob("*.md")}
    assert pages <= linked


def test_index_lists_every_decision() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs/adr").glob("0*.md")):
        number, title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(". ", 1)
        assert f"{number}. [{title}]({page.name})" in index.splitlines()
        assert page.name.startswith(f"{int(number):04}-")


def test_tree_in_readme_names_every_folder() -> None:
    tree = re.search(
        r"^## The tree\n\n```\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert tree is not None
    named = {line.split()[0].rstrip("/") for line in tree[1].splitlines() if not line.startswith(" ")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {path.name for path in ROOT.glob("*.py")}
    assert named == packages | {"docs", "ops"}


def test_readme_lists_all_commands_and_no_others() -> None:
    named = set(
        re.findall(
            r"`matinee ([a-z]+(?: (?:add|export|check|list|remove))?)", (ROOT / "README.md").read_text(encoding="utf-8")
        )
    )
    assert named == set(list_commands(get_command(commands)))


def list_commands(group: object, before: str = "") -> Iterator[str]:
    """Yield the commands of the program, those of a group behind the group's name."""
    for name, command in getattr(group, "commands", {}).items():
        yield from list_commands(command, f"{before}{name} ") if hasattr(command, "commands") else [f"{before}{name}"]
