"""Translates errors of PostgreSQL and psycopg into the refusals that callers get."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from db import constraints
from errors import InvalidInput, Unavailable

# Errors that a value can cause, besides NUL, which psycopg does not send. GraphQL and REST refuse such values first, and
# name the field; these errors are for values that pass their checks.
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
        # psycopg raises the class itself, not a subclass, for values that it does not send.
        is_unfit = isinstance(error, UNFIT) or type(error) is psycopg.DataError
        return refuse_unfit_value() if is_unfit else error
    if isinstance(error, PoolTimeout | psycopg.OperationalError | errors.ReadOnlySqlTransaction):
        # Also a lock or a statement that took too long, and a primary that has become a standby: nothing was changed.
        return Unavailable()
    return error


def refuse_unfit_value() -> InvalidInput:
    """Return the refusal of a value that PostgreSQL cannot hold."""
    return InvalidInput(field="request", problem="has a character or a number in it that cannot be kept")


def raise_translated(error: psycopg.Error) -> NoReturn:
    """Raise the refusal that stands for an error of the database, or the error itself where it is a bug of ours."""
    refusal = translate_error(error)
    if refusal is error:
        raise error
    raise refusal from error


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the refusal that stands for an error of the database."""
    try:
        yield
    except psycopg.Error as error:
        raise_translated(error)
