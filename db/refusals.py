"""Translates errors of PostgreSQL and psycopg into the refusals that callers get."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from db import constraints
from errors import InvalidInput, Unavailable

# What a value itself may be at fault for, beside what psycopg does not even send: a NUL. Doors refuse such values by the
# name of their field; these are the last line.
UNFIT: Final = (
    errors.NumericValueOutOfRange,
    errors.CharacterNotInRepertoire,
    errors.UntranslatableCharacter,
    errors.DatetimeFieldOverflow,
)


def translate_error(error: psycopg.Error) -> Exception:
    """Return the refusal that stands for an error of the database, or the error itself where it is a bug of ours."""
    if isinstance(error, errors.IntegrityError):
        return constraints.find_refusal(error) or error
    if isinstance(error, psycopg.DataError):
        # psycopg raises the class itself, not a subclass, for what it does not send.
        is_unfit = isinstance(error, UNFIT) or type(error) is psycopg.DataError
        return refuse_unfit_value() if is_unfit else error
    if isinstance(error, PoolTimeout | psycopg.OperationalError | errors.ReadOnlySqlTransaction):
        # Includes a lock or a statement that took too long, and a primary that has become a standby: nothing was changed.
        return Unavailable()
    return error


def refuse_unfit_value() -> InvalidInput:
    """Return the refusal of a value that PostgreSQL cannot hold."""
    return InvalidInput(field="request", problem="has a character or a number in it that cannot be kept")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the refusal that stands for an error of the database."""
    try:
        yield
    except psycopg.Error as error:
        refusal = translate_error(error)
        if refusal is error:
            raise
        raise refusal from error
