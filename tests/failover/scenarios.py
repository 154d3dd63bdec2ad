"""Every scenario by its name, and which of them need the cluster."""

from typing import Final

from tests.failover.backups import DRILL
from tests.failover.failovers import FAULTS
from tests.failover.machine_faults import CONTROL, SINGLE
from tests.failover.proxies import WAYS

CLUSTERED: Final = tuple(f"{fault}-{way}" for way in WAYS for fault in FAULTS)
SCENARIOS: Final = (CONTROL, *SINGLE, DRILL, *CLUSTERED)
