"""Every address of Flowra. REST stands under /api/v1, the socket at /ws/ (flowra/asgi.py)."""

from django.contrib import admin
from django.urls import include, path, re_path

from flowra.accounts.throttle import limited
from flowra.api_errors import not_found

handler500 = "flowra.api_errors.server_error"

urlpatterns = [
    path("accounts/", include("flowra.accounts.urls")),
    path("admin/login/", limited(admin.site.login)),  # found before the admin's own of the same address
    path("admin/", admin.site.urls),
    path("api/v1/", include("flowra.api_urls")),
    re_path(r"^api(?:/|$)", not_found),
    path("", include("chats.urls")),
]
