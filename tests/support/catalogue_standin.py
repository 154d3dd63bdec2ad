"""The catalogue's stand-in as tests use it: over real HTTP, with faults from one moment to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from config.settings import Settings
from runtime.server import listen, serve_aside
from upstreams import standin_catalogue
from upstreams.standins import Faults, StandIn, create_standins

USER: Final = "tests"
PASSWORD: Final = "a password of the tests"


@dataclass(frozen=True)
class CatalogueStandIn:
    """The running stand-in."""

    standin: StandIn
    url: str

    def behave(self, *, error_rate: float = 0, timeout_rate: float = 0) -> None:
        """Fail so often from now on."""
        self.standin.faults = Faults(error_rate, timeout_rate)

    def told(self, settings: Settings) -> Settings:
        """Return the settings of a server that asks it."""
        return replace(settings, catalogue_url=self.url, catalogue_user=USER, catalogue_password=PASSWORD)


@contextmanager
def catalogue_standin() -> Iterator[CatalogueStandIn]:
    """Yield a stand-in that is served meanwhile."""
    standin = standin_catalogue.make_catalogue(user=USER, password=PASSWORD, faults=Faults())
    app = create_standins([standin])
    with listen("127.0.0.1", 0) as listener, serve_aside(app, listener):
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield CatalogueStandIn(standin, f"{address}/{standin_catalogue.NAME}{standin_catalogue.LIST}")
