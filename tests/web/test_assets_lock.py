"""What comes from npm is locked by hash, whichever registry it comes from."""

import json
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = ("package-lock.json", "tests/graphql_over_http/package-lock.json")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hash_of_every_package_and_no_address(name: str) -> None:
    lock = (ROOT / name).read_text()
    packages = {path: entry for path, entry in json.loads(lock)["packages"].items() if path}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert "://" not in lock
