"""A server that asks the catalogue's stand-in."""

import pytest

from config.settings import Settings
from tests.support.catalogue_standin import CatalogueStandIn


@pytest.fixture
def settings(settings: Settings, catalogue: CatalogueStandIn) -> Settings:
    """The settings of the server under test."""
    return catalogue.told(settings)
