"""What the tool pages load is locked by hash, whichever registry it comes from."""

import json
from pathlib import Path

_LOCK = (Path(__file__).parents[2] / "package-lock.json").read_text()


def test_names_a_hash_for_every_package_and_no_address() -> None:
    packages = {path: entry for path, entry in json.loads(_LOCK)["packages"].items() if path}
    assert packages
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert "://" not in _LOCK
