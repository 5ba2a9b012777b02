"""Reads settings from the environment, strictly: an invalid value is an error that names the variable."""

import math
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def parse_bool(text: str) -> bool:
    """Return the boolean in `text`; raises ValueError for anything but true, yes, on, 1, false, no, off, 0."""
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

PRIVATE_NETWORKS = (  # this machine and private networks
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
DATABASES = ("postgres", "postgresql", "psql", "pgsql", "sqlite")  # the URL schemes of supported databases


class Environment(environ.Env):  # type: ignore[misc]  # it comes without types
    """django-environ with strict parsing.

    django-environ reads "10 minutes" as 10.0, every unknown word as False, and a value that begins with "$" as
    the name of another variable. Here the first two are refused with the variable's name, and a secret may
    begin with any character. An empty number or boolean counts as not set (compose files pass those).
    """

    read: ClassVar[set[str]] = set()  # the variables that were read; any other FLOWRA_… variable is a mistake

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        """Return the variable's value, or `default`; raises ImproperlyConfigured if it cannot be understood."""
        self.read.add(var)
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

    def database(self, var: str, default: str) -> dict[str, Any]:
        """Return the variable, or `default` if it is empty, as Django's settings of a supported database."""
        url = self.str(var, default="") or default
        # Checked here, because django-environ's own warning contains the password.
        if url.partition("://")[0] not in DATABASES:
            raise ImproperlyConfigured(f"{var} must begin with postgres:// or sqlite:///.")
        found: dict[str, Any] = self.db_url_config(url)
        # As libpq reads it: postgres://flowra@%2Fvar%2Frun%2Fpostgresql/flowra is a folder with a socket.
        found["HOST"] = unquote(found.get("HOST") or "")
        return found
