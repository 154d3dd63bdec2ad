"""The variables of the rules: how long a booking is open and a page view is kept, time zones, the counter, prices and their exports."""

from typing import Annotated
from zoneinfo import ZoneInfo

from config import variables
from config.variables import Variable

Currency = Annotated[
    str,
    Variable(
        "MATINEE_CURRENCY",
        variables.read_currency,
        default="EUR",
        meaning="currency of the providers' prices, which they do not name: an ISO 4217 code",
        example="USD",
    ),
]
HoldSeconds = Annotated[
    int,
    Variable(
        "MATINEE_HOLD_SECONDS",
        variables.accept_whole(1, 3600),
        default="60",
        meaning="life of a booking before it is confirmed, 1 to 3600 seconds",
        example="60",
    ),
]
PageViewDays = Annotated[
    int | None,
    Variable(
        "MATINEE_PAGE_VIEW_DAYS",
        variables.read_days,
        default="400",
        meaning="days after which page views are deleted; `off` keeps them for ever",
        example="90",
    ),
]
Timezone = Annotated[
    ZoneInfo,
    Variable(
        "MATINEE_TIMEZONE",
        variables.read_timezone,
        default="Europe/Paris",
        meaning="time zone of the dates in `from` and `to` of the session lists",
        example="Europe/Paris",
    ),
]
CounterTimezone = Annotated[
    ZoneInfo,
    Variable(
        "MATINEE_COUNTER_TIMEZONE",
        variables.read_timezone,
        default="Asia/Kolkata",
        meaning="time zone of times without an offset in `/api/…`",
        example="Asia/Kolkata",
    ),
]
CounterToken = Annotated[
    bytes | None,
    Variable(
        "MATINEE_COUNTER_TOKEN",
        variables.read_counter_token,
        meaning="token in `X-Auth-Token` that every write to `/events/` and `/reservations/` and every call of `/api/…`"
        " needs, except those of staff users",
        example="$(openssl rand -hex 16)",
        secret=True,
    ),
]
CounterOpen = Annotated[
    bool,
    Variable(
        "MATINEE_COUNTER_OPEN",
        variables.read_yes_or_no,
        default="false",
        meaning="`true` lets the server start in production without a counter token, open to anybody",
        example="true",
    ),
]
OffersFreshSeconds = Annotated[
    float,
    Variable(
        "MATINEE_OFFERS_FRESH_SECONDS",
        variables.accept_seconds(0, 3600),
        default="5",
        meaning="seconds for which a price provider's answer is reused",
        example="5",
    ),
]
ExportsUrl = Annotated[
    str | None,
    Variable(
        "MATINEE_EXPORTS_URL",
        variables.read_store_address,
        shown_default="the folder `exports` in the data directory",
        meaning="where files of exports are stored: a folder of this machine, or a bucket, whose credentials and region "
        "come from its own variables, such as AWS_ACCESS_KEY_ID",
        example="s3://matinee-exports/csv",
    ),
]
ExportDaily = Annotated[
    bool,
    Variable(
        "MATINEE_EXPORT_DAILY",
        variables.read_switch,
        default="off",
        meaning="`on` makes an export every 24 hours, for staff",
        example="on",
    ),
]
