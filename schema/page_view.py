"""Page views, for staff."""

from datetime import datetime
from enum import Enum

import strawberry
from strawberry import Parent

from db import models
from domain.page_view import NewPageView
from resolvers import page_views, users
from resolvers.context import Context
from resolvers.field_metadata import declare
from resolvers.planned_reads import STAFF, ManyRows, OneRow, read_column
from schema.connection import Info
from schema.inputs import required_field
from schema.node import Node
from schema.user import User


@strawberry.enum(description="Whether a page was entered or left.")
class PageEventType(Enum):
    """The values are those of the rows."""

    PAGE_ENTER = strawberry.enum_value("page_enter", description="Entered.")
    PAGE_EXIT = strawberry.enum_value("page_exit", description="Left.")


@strawberry.type(description="A parameter of a page's query; a list is the same name several times.")
class QueryParameter:
    """The source is a pair of a name and a value."""

    @strawberry.field(description="What stands before the `=`.", metadata=declare(reads=read_column("name")))
    @staticmethod
    def name(root: Parent[list[str]]) -> str:
        """The first of the pair."""
        return root[0]

    @strawberry.field(
        description="What stands behind it; a null is the empty string.", metadata=declare(reads=read_column("value"))
    )
    @staticmethod
    def value(root: Parent[list[str]]) -> str:
        """The second of the pair."""
        return root[1]


@strawberry.type(description="Somebody entered or left a page. Staff only.")
class PageView(Node, row=models.PageView, prefix="trk", visible_to=STAFF):
    tracking_id: str = strawberry.field(description="Who it was, as far as the client tells.")
    type: PageEventType = strawberry.field(description="Whether the page was entered or left.")
    scheme: str = strawberry.field(description="Of the page's address, such as https.")
    path: str = strawberry.field(description="Of the page's address.")
    query: list[QueryParameter] = strawberry.field(
        description="Of the page's address, in its order.",
        metadata=declare(reads=ManyRows(page_views.select_query_parameters, keys=("place",))),
    )
    occurred_at: datetime = strawberry.field(description="When it was told.")

    @strawberry.field(
        graphql_type=User | None,
        description="Who was signed in, if anybody was.",
        metadata=declare(reads=OneRow(users.select_visible_user, of_viewer=True)),
    )
    @staticmethod
    async def user(root: Parent[models.PageView], info: Info) -> models.User | None:
        if root.user_id is None:
            return None
        return await users.find_visible_user(info.context, root.user_id)


@strawberry.input(description="A parameter of a page's query.")
class QueryParameterInput:
    name: str = required_field("What stands before the `=`.")
    value: str = required_field("What stands behind it.")


@strawberry.input(description="A list in a page's query is the same name several times; a null is the empty string.")
class PageInput:
    scheme: str = required_field("Such as https.")
    path: str = required_field("Such as /movies.")
    query: list[QueryParameterInput] = strawberry.field(default_factory=list, description="In their order.")


@strawberry.input(description="A page that somebody entered or left.")
class TrackPageInput:
    tracking_id: str = required_field("Who it was, as far as the client tells.")
    type: PageEventType = required_field("Whether the page was entered or left.")
    page: PageInput = required_field("Which page.")


def read_page_view(context: Context, input: TrackPageInput) -> NewPageView:
    """Return the page view as the rules know it."""
    return NewPageView(
        tracking_id=input.tracking_id,
        type=models.PageEventType(str(input.type.value)),
        scheme=input.page.scheme,
        path=input.page.path,
        query=tuple((parameter.name, parameter.value) for parameter in input.page.query),
        user_id=context.actor.user_id if context.actor else None,
    )
