"""The server that hostile requests are sent to."""

from collections.abc import Iterator

import pytest

from tests.catalogue_standin import CatalogueStandIn
from tests.hostile.stage import staged
from tests.test_cli import Server


@pytest.fixture(scope="module")
def stage(
    database_url: str, standin: CatalogueStandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, str]]]:
    standin.behave()
    with staged(database_url, tmp_path_factory.mktemp("hostile"), standin) as found:
        yield found
