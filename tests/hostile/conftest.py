"""The server that hostile requests are sent to."""

from collections.abc import Iterator

import pytest

from tests.cli.test_main import Server
from tests.support.catalogue_standin import CatalogueStandIn
from tests.support.stage import staged


@pytest.fixture(scope="module")
def stage(
    database_url: str, standin: CatalogueStandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, dict[str, str]]]:
    standin.behave()
    with staged(database_url, tmp_path_factory.mktemp("hostile"), standin) as found:
        yield found
