"""The OpenAPI document and the page that shows it."""

from __future__ import annotations

from typing import ClassVar

from csp.constants import NONE, SELF, UNSAFE_INLINE
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import BaseRenderer

# Swagger UI brings one inline <style> and icons as data: URLs; its scripts are files of ours.
DOCS_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "connect-src": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}


class TokenScheme(SimpleJWTScheme):  # type: ignore[no-untyped-call]
    """Describes the bearer token in the OpenAPI document."""

    target_class = "flowra.accounts.security.tokens.TokenAuthentication"
    name = "bearer"


class SchemaView(SpectacularAPIView):
    """The document, as JSON."""

    http_method_names: ClassVar[list[str]] = ["get", "head"]  # type: ignore[misc]
    renderer_classes: ClassVar[list[type[BaseRenderer]]] = [OpenApiJsonRenderer2]  # type: ignore[misc]


class DocsView(SpectacularSwaggerSplitView):
    """The page that shows the document."""

    http_method_names: ClassVar[list[str]] = ["get", "head"]  # type: ignore[misc]
