"""When the clients run, and what every one has to have seen in the end."""

import os
from typing import Any, Final

import pytest

# A mark instead of a fixture: it skips before the server starts.
where_wanted: Final = pytest.mark.skipif(not os.environ.get("TEST_CLIENTS"), reason="`make clients` runs these")


def check_booking(result: Any) -> None:  # noqa: ANN401 - JSON
    """Fail unless a script has seen two pages, booked two seats, seen them go, and was refused a third."""
    assert len(set(result["movies"])) == len(result["movies"]) == 4
    assert len(set(result["sessions"])) == len(result["sessions"]) == 4
    assert result["live"][:2] == [result["free"], result["free"] - 2]
    assert result.get("cached", result["free"] - 2) == result["free"] - 2
    assert (result["status"], result["seats"], result["refusal"]) == ("CONFIRMED", 2, "BOOKING_CONFIRMED")


def check_rest_booking(result: Any) -> None:  # noqa: ANN401 - JSON
    """Fail unless a script has seen two pages, booked two seats by REST, and was refused a third."""
    assert len(set(result["movies"])) == len(result["movies"]) == 4
    assert result["sessions"]
    assert (result["reserved"], result["seats"], result["bookings"]) == (2, 2, 1)
    assert (result["taken"], result["status"]) == (2, "confirmed")
    assert result["refusal"] == "booking_confirmed"
