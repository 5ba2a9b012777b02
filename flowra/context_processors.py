"""Variables that every template may use."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from chats.lib.static_version import static_version


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the variables that base.html needs on every page.

    django-csp keeps the nonce on the request; django-htmx's tags look for it under `csp_nonce`. It stays lazy:
    reading it is what puts it into the policy's header.
    """
    return {
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "static_version": static_version(),
        "signup_enabled": settings.FLOWRA_SIGNUP_ENABLED,
        "offline_page": settings.FLOWRA_OFFLINE_PAGE,
    }
