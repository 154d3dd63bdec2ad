"""Why a body could not be read as JSON, said alike at every door."""

from typing import Final

import orjson

from errors import InvalidInput, MalformedJson, Refusal

# How orjson begins its message for a number such as 1e400, which is JSON by its grammar but beyond a 64-bit float.
NUMBER_TOO_LARGE: Final = "number is infinity"


def refuse_json(error: orjson.JSONDecodeError) -> Refusal:
    """Return InvalidInput where a number is out of range, as for any other number out of range; else MalformedJson."""
    if error.msg.startswith(NUMBER_TOO_LARGE):
        return InvalidInput(field="body", problem="must not contain a number beyond the range of a 64-bit float")
    return MalformedJson(problem=str(error))
