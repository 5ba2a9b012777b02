"""Everything under /api/v1."""

from csp.decorators import csp
from django.urls import include, path, re_path

from flowra.accounts import api
from flowra.api.errors import not_found
from flowra.api.schema import DOCS_POLICY, DocsView, SchemaView
from presence.api import ChatPresenceList

app_name = "api"
urlpatterns = [
    path("auth/token", api.TokenObtain.as_view(), name="token"),
    path("auth/token/refresh", api.TokenRefresh.as_view(), name="token-refresh"),
    path("auth/token/revoke", api.TokenRevoke.as_view(), name="token-revoke"),
    path("me", api.MeView.as_view(), name="me"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", csp(DOCS_POLICY)(DocsView.as_view(url_name="api:schema")), name="docs"),
    path("", include("chats.api.urls")),
    path("chats/<str:chat_id>/presence", ChatPresenceList.as_view()),
    re_path(r"", not_found),
]
