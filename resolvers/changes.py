"""Reads the input of an update: what it changes, what it clears, and what it leaves as it is."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from errors import InvalidInput, refuse

T = TypeVar("T")
# In the metadata of an input field: the value that null stands for.
EMPTY: Final = "empty"
NOT_NULL: Final = "must not be null. Leave it out to keep its value"


def drop_unset(value: T | None) -> T | None:
    """Return an argument, None where it was left out."""
    return None if value is strawberry.UNSET else value


def collect_changes(update: Any) -> dict[str, Any]:
    """Return the values of an update's fields but its id, without those that were left out.

    Null clears a field that can be empty. Raise all InvalidInputs for those that cannot.
    """
    changes: dict[str, Any] = {}
    faults: list[InvalidInput] = []
    for field in update.__strawberry_definition__.fields:
        value = getattr(update, field.python_name)
        if field.python_name == "id" or value is strawberry.UNSET:
            continue
        if value is None and EMPTY not in field.metadata:
            name = to_camel_case(field.python_name)
            faults.append(InvalidInput(path=("input", name), field=name, problem=NOT_NULL))
        changes[field.python_name] = field.metadata[EMPTY] if value is None and EMPTY in field.metadata else value
    refuse(faults)
    return changes


def check_changes(update: Any, check: Callable[..., object]) -> dict[str, Any]:
    """Return the changes of an update; raise what `collect_changes` or the check of these values raises."""
    changes = collect_changes(update)
    check(**changes)
    return changes
