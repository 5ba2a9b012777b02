"""Every address of Flowra. REST stands under /api/v1, the socket at /ws/ (flowra/asgi.py)."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
