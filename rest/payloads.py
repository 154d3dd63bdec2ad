"""Models of bodies and parameters: strict, and the one source of the checks and of the OpenAPI document."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, NoReturn, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema, ErrorDetails, core_schema
from typing_extensions import TypedDict

from db.cursors import LONGEST
from db.paging import DEFAULT_SIZE, LARGEST_SIZE, LIMITS
from domain.instants import NOT_THERE, NotThereError
from errors import InvalidCursor, InvalidInput, InvalidLimit, MissingField, Refusal, Refusals, UnknownField, list_leaves

# A hostile body can have a hundred thousand faults; nobody reads more than these.
MOST_FAULTS: Final = 50
LONGEST_NAME: Final = 100
NUL: Final = "\0"

Asked = TypeVar("Asked", bound=BaseModel)


class Payload(BaseModel):
    """A body: an object with these fields and no others; no type is converted to another."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class EmptyBody(Payload):
    """The body of a request that needs none: empty, or an object without fields."""


class Query(BaseModel):
    """Parameters of an address. Others are ignored: caches, proxies and campaigns add their own."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Unfit(ValueError):
    """A value is refused; `convert_fault` adds the field to the refusal."""

    def __init__(self, kind: type[Refusal], **words: object) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.words = words


def refuse_as(kind: type[Refusal], **words: object) -> WrapValidator:
    """Return a validator that reports any fault of a value as this refusal; of a date that does not exist it says so."""

    def check(value: object, inner: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - what the type makes of it
        try:
            return inner(value)
        except ValidationError as error:
            causes = [fault.get("ctx", {}).get("error") for fault in error.errors(include_url=False)]
            is_not_there = any(isinstance(cause, NotThereError) for cause in causes)
            raise Unfit(kind, **(words | {"problem": NOT_THERE} if is_not_there else words)) from None

    return WrapValidator(check)


def require_no_nul(text: str) -> str:
    """Return the text; PostgreSQL cannot keep one with NUL in it."""
    if NUL in text:
        raise Unfit(InvalidInput, problem="must not contain the character NUL")
    return text


class Checked:
    """A check of a field's value, with its keywords in the JSON schema."""

    def __init__(self, check: Callable[[str], str], **described: object) -> None:
        self._check = check
        self._described = described

    def __get_pydantic_core_schema__(self, kind: object, inner: GetCoreSchemaHandler) -> CoreSchema:
        """Return how pydantic checks it."""
        return core_schema.no_info_after_validator_function(self._check, inner(kind))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, inner: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return how the OpenAPI document describes it."""
        return {**inner(schema), **self._described}


def parse_whole(value: object) -> object:
    """Return a whole number as an int however JSON spells it: to JSON 2.0 and 2 are one number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_digits(value: object) -> object:
    """Return the number that a parameter of an address spells, anything else as it is."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else value


def optional_field() -> Any:  # noqa: ANN401 - of the field's type, or None where it was left out
    """Return a field that may be left out and then is None, but that nobody may give as null."""
    return Field(default=None, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


NO_NUL: Final = Checked(require_no_nul, pattern=r"^[^\u0000]*$")
# Character classes for the patterns that OpenAPI shows; the checks themselves are domain/text.py.
CONTROL_CLASS: Final = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
UNSEEN_CLASS: Final = (
    CONTROL_CLASS
    + r"\s\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05cf\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    + r"\u2060-\u206f\u20d0-\u20ff\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
# For texts that staff and the box office write: without control characters; the second one with something to see.
NO_CONTROL: Final = Checked(require_no_nul, pattern=rf"^[^{CONTROL_CLASS}]*$")
VISIBLE: Final = Checked(require_no_nul, pattern=rf"^[^{CONTROL_CLASS}]*[^{UNSEEN_CLASS}][^{CONTROL_CLASS}]*$")
WHOLE: Final = BeforeValidator(parse_whole)

Limit = Annotated[
    int,
    Field(ge=1, le=LARGEST_SIZE, description="How many to return at most.", examples=[DEFAULT_SIZE]),
    BeforeValidator(parse_digits),
    refuse_as(InvalidLimit, problem=LIMITS),
]
Cursor = Annotated[
    str | SkipJsonSchema[None],
    Field(max_length=LONGEST, description="The `end_cursor` of the page before; none for the first page."),
    refuse_as(InvalidCursor),
]


class PageQuery(Query):
    """The page of a list to return."""

    limit: Limit = DEFAULT_SIZE
    cursor: Cursor = None


class PageMetadata(TypedDict):
    """Whether there is another page, and the cursor of it."""

    has_more: Annotated[bool, Field(description="Whether there are more after these.", examples=[True])]
    end_cursor: Annotated[
        str | None,
        Field(
            description="The `cursor` of the next page; null where there is nothing.",
            examples=["kQ9wbIVcSkJlUOoTWzQuMzc1LDcyNjIxOTM4NDYxNDUwMjRd"],
        ),
    ]


class Fault(TypedDict):
    """One fault of a request."""

    code: Annotated[
        str,
        Field(
            description="For programs: it never changes. New ones may be added.",
            examples=["invalid_input"],
            json_schema_extra={"enum": [leaf.code.lower() for leaf in list_leaves()]},
        ),
    ]
    message: Annotated[str, Field(description="For people: what is wrong, and what to do about it.")]


class ErrorList(TypedDict):
    """All faults of a request."""

    errors: list[Fault]


def parse_input(model: type[Asked], data: object) -> Asked:
    """Return the request as its model; raise the refusal of every fault in it, the first fifty at most."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise_faults([convert_fault(fault) for fault in error.errors(include_url=False)[:MOST_FAULTS]])


def list_names(model: type[BaseModel], *, required: bool = False) -> list[str]:
    """Return the names of the fields as the caller writes them, of all or of those that must be given."""
    fields = model.model_fields.items()
    return [field.alias or name for name, field in fields if field.is_required() or not required]


def collect_given(asked: BaseModel) -> dict[str, Any]:
    """Return the fields that the caller has given, by their names."""
    return {name: getattr(asked, name) for name in asked.model_fields_set}


def raise_faults(faults: list[Refusal]) -> NoReturn:
    """Raise the one fault, or all of them together."""
    raise faults[0] if len(faults) == 1 else Refusals(faults)


def convert_fault(fault: ErrorDetails) -> Refusal:
    """Return the refusal for a fault that pydantic found."""
    path = tuple(map(str, fault["loc"]))
    field = ".".join(path)[:LONGEST_NAME] or "body"
    cause = fault.get("ctx", {}).get("error")
    match fault["type"]:
        case "missing":
            return MissingField(path=path, field=field)
        case "extra_forbidden":
            return UnknownField(path=path, field=field)
        case "value_error" if isinstance(cause, Unfit):
            return cause.kind(path=path, field=field, **cause.words)
        case "value_error" if isinstance(cause, Refusal):
            return cause
    return InvalidInput(path=path, field=field, problem=describe_problem(fault))


def describe_problem(fault: ErrorDetails) -> str:
    """Return what a value must be, to follow the field's name in a sentence."""
    if fault["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "must be a JSON object"
    said = re.sub(r"^\w+ should ", "must ", fault["msg"])
    return re.sub(" after validation, not .*", "", said)
