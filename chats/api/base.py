"""What all endpoints share: the caller, ids in the path, validated input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from chats.api.input.fields import parse_id
from chats.api.input.pagination import Key, Page, PageQuery, load_page

if TYPE_CHECKING:
    from flowra.accounts.models import User

Row = TypeVar("Row", bound=Model)


class ApiView(APIView):
    """An endpoint. Path parameters named `…_id` reach its methods as UUIDs; anything else there is a 400."""

    http_method_names: ClassVar[list[str]] = ["get", "head", "post", "put", "patch", "delete"]  # type: ignore[misc]

    @property
    def user(self) -> User:
        """The caller."""
        return cast("User", self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then read the ids: `kwargs` here is a copy, `self.kwargs` what the method is given."""
        super().initial(request, *args, **kwargs)
        for name, value in self.kwargs.items():
            if name.endswith("_id"):
                self.kwargs[name] = parse_id(value, field=name)

    def read_body(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the checked body; raises ValidationError."""
        return _checked(serializer(data=self.request.data))

    def read_query(self, serializer: type[Serializer[Any]]) -> dict[str, Any]:
        """Return the checked query parameters; raises ValidationError."""
        return _checked(serializer(data=self.request.query_params.dict()))

    def page(
        self, rows: QuerySet[Row], keys: Sequence[Key], payload: Callable[[Row], object], query: dict[str, Any]
    ) -> Response:
        """Answer with the page of `rows` that `query`, read by a PageQuery, asks for."""
        page = self.load(rows, keys, query)
        return Response(page.payload(self.request, [payload(row) for row in page.rows]))

    def load(self, rows: QuerySet[Row], keys: Sequence[Key], query: dict[str, Any]) -> Page[Row]:
        """Return the page of `rows` that `query` asks for."""
        return load_page(rows, keys, limit=query.get("limit"), cursor=query.get("cursor"))

    def page_query(self) -> dict[str, Any]:
        """Return the checked `limit` and `cursor`."""
        return self.read_query(PageQuery)


def _checked(serializer: Serializer[Any]) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
