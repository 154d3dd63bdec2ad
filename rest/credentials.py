"""What the two surfaces with accounts share: passwords in bodies, and headers of answers with a token."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from domain import user
from errors import RateLimited
from rest.payloads import NO_NUL

# RFC 6749, section 5.1, asks this of every answer with a token in it.
NEVER_KEPT: Final = {"Cache-Control": "no-store"}
TOO_OFTEN: Final = RateLimited(seconds=42)
EXAMPLES: Final = ["correct horse battery"]

NewPassword = Annotated[
    str,
    Field(
        json_schema_extra={"minLength": user.SHORTEST_PASSWORD, "maxLength": user.LONGEST_PASSWORD}, examples=EXAMPLES
    ),
    AfterValidator(user.check_password),
]
Password = Annotated[str, Field(examples=EXAMPLES), NO_NUL]
