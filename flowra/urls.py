"""The URL configuration. REST is below /api/v1; the socket at /ws/ is in flowra/asgi.py."""

from django.contrib import admin
from django.urls import include, path, re_path

from flowra import app_shell
from flowra.accounts.security.throttle import limited
from flowra.accounts.views import AdminChangePasswordView, SignOutView
from flowra.api.errors import not_found

handler500 = "flowra.api.errors.server_error"

urlpatterns = [
    path("accounts/", include("flowra.accounts.urls")),
    # Before the admin's own views of the same paths.
    path("admin/login/", limited(admin.site.login)),
    path("admin/logout/", SignOutView.as_view()),
    path("admin/password_change/", admin.site.admin_view(limited(AdminChangePasswordView.as_view()))),
    path("admin/", admin.site.urls),
    path("api/v1/", include("flowra.api.urls")),
    re_path(r"^api(?:/|$)", not_found),
    path("manifest.webmanifest", app_shell.manifest, name="manifest"),
    path("sw.js", app_shell.service_worker, name="service_worker"),
    path("offline/", app_shell.offline, name="offline"),
    path("", include("chats.urls")),
]
