"""What every text that staff write must be: there, not too long, and free of what PostgreSQL cannot hold."""

from collections.abc import Iterator

from errors import InvalidInput

NUL = "\0"


def faults_of_text(field: str, text: str | None, *, longest: int) -> Iterator[InvalidInput]:
    """Yield what is wrong with a text of 1 to `longest` characters; None was not given and is never wrong."""
    if text is None:
        return
    if not text.strip():
        yield InvalidInput(path=("input", field), field=field, problem="must not be empty")
    elif len(text) > longest:
        yield InvalidInput(path=("input", field), field=field, problem=f"must have at most {longest} characters")
    elif NUL in text or not encodable(text):
        yield InvalidInput(path=("input", field), field=field, problem="must not contain NUL or broken characters")


def faults_of_number(field: str, number: int | None, *, smallest: int, largest: int) -> Iterator[InvalidInput]:
    """Yield what is wrong with a number that must lie within bounds, both included; None was not given."""
    if number is not None and not smallest <= number <= largest:
        problem = f"must be a whole number from {smallest} to {largest}"
        yield InvalidInput(path=("input", field), field=field, problem=problem)


def encodable(text: str) -> bool:
    """Return whether the text is Unicode that can be written down: a lone surrogate is not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
