"""A folder for databases that tests break."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can reach."""
    made = Path(tempfile.mkdtemp(prefix="matinee-crashes-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)
