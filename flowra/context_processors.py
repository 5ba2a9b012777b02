"""What every template may use."""

from typing import Any

from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """Return the variables that base.html needs on every page."""
    return {}
