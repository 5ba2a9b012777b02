"""Reading settings from the environment, strictly: a value that makes no sense is named, never guessed at."""

import math
from collections.abc import Callable
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def parse_bool(text: str) -> bool:
    """Return what `text` says; raises ValueError for anything but the usual words."""
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(text)
    return word in TRUE


def parse_float(text: str) -> float:
    """Return a finite number; raises ValueError for anything else, "nan" and "inf" included."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


PARSERS: dict[type, tuple[Callable[[str], Any], str]] = {
    bool: (parse_bool, "true or false"),
    int: (int, "a whole number"),
    float: (parse_float, "a number"),
}


class Environment(environ.Env):  # type: ignore[misc]  # it comes without types
    """django-environ, without its leniency.

    django-environ reads "10 minutes" as 10.0, every unknown word as False, and a value that begins with "$" as
    the name of another variable. Here the first two are refused with the variable's name, and a secret may
    begin with any character. An empty number or boolean counts as not set (compose files pass those).
    """

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        """Return the variable's value, or `default`; raises ImproperlyConfigured if it cannot be understood."""
        text = self.ENVIRON.get(var)
        if text is not None and cast in (None, str):
            return text
        if text is not None and cast in PARSERS:
            parse, wanted = PARSERS[cast]
            try:
                return parse(text) if text.strip() else default
            except ValueError:
                raise ImproperlyConfigured(f"{var} must be {wanted}, not {text!r}.") from None
        return super().get_value(var, cast=cast, default=default, **options)
