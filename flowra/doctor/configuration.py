"""Checks of the settings: Django's and Flowra's system checks, the secret key, the hosts, mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings
from django.core import checks, mail

from flowra.doctor.report import Check, Finding, failed, ok, one_line, warning

SHORTEST_KEY = 50  # characters, as Django's security.W009
MAIL_TIMEOUT = 5  # seconds for each of a mail server's answers
LEAST_UNIQUE = 10  # different characters in it; 50 random ones have about 35
# These checks are replaced by the ones below.
_TOLD_ELSEWHERE = {"security.W009", "flowra.E008"}
_HOST = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def check_settings() -> Iterator[Finding]:
    """Run the system checks, and those for deployment if DEBUG is off."""
    name = "settings"
    messages = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    serious = [
        message
        for message in messages
        if message.level >= checks.WARNING and not message.is_silenced() and message.id not in _TOLD_ELSEWHERE
    ]
    for message in serious:
        kind = failed if message.level >= checks.ERROR else warning
        detail = " ".join(f"{message.msg} ({message.id})".split())
        yield kind(name, detail, " ".join(str(message.hint or "See docs/operations.md, Settings.").split()))
    if settings.DEBUG:
        yield warning(
            name,
            "DEBUG is on: this is the demo, or development",
            "For real people set DEBUG=false and SECRET_KEY, ALLOWED_HOSTS, FLOWRA_HTTPS; see docs/operations.md.",
        )
    elif not serious:
        yield ok(name, "nothing to complain about")


def check_secret_key() -> Iterator[Finding]:
    """The secret key cannot be guessed: whoever knows it can sign in as anybody."""
    name, key = "secret key", settings.SECRET_KEY
    remedy = (
        f"Set SECRET_KEY to {SHORTEST_KEY} random characters or more, for example from: "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'. Everybody has to sign in again."
    )
    if len(key) < SHORTEST_KEY:
        yield failed(name, f"SECRET_KEY has {len(key)} characters, less than {SHORTEST_KEY}", remedy)
    elif len(set(key)) < LEAST_UNIQUE:
        yield failed(name, f"SECRET_KEY has {len(set(key))} different characters, less than {LEAST_UNIQUE}", remedy)
    elif key.startswith("django-insecure-"):
        yield failed(name, "SECRET_KEY is one that Django made for development", remedy)
    else:
        yield ok(name, f"{len(key)} characters, {len(set(key))} different ones")


def check_hosts() -> Iterator[Finding]:
    """ALLOWED_HOSTS contains host names as browsers send them."""
    name, hosts = "hosts", settings.ALLOWED_HOSTS
    remedy = "Set ALLOWED_HOSTS to the names that people type, separated by commas: chat.example.org"
    wrong = [host for host in hosts if host != "*" and not _HOST.fullmatch(host)]
    if not hosts:
        yield failed(name, "ALLOWED_HOSTS is empty: every page answers 400", remedy)
    elif wrong:
        yield failed(name, f"ALLOWED_HOSTS has {wrong[0]!r}, which is no host name and never fits", remedy)
    elif "*" in hosts:
        yield warning(name, "ALLOWED_HOSTS has *: links in mails can be made to lead anywhere", remedy)
    else:
        yield ok(name, ", ".join(hosts))


def check_mail() -> Iterator[Finding]:
    """A back end is configured that delivers mail for password resets."""
    name, backend = "mail", settings.EMAIL_BACKEND.removesuffix(".EmailBackend").rpartition(".")[2]
    if backend in ("console", "dummy", "locmem") and not settings.DEBUG:
        yield warning(
            name,
            f"EMAIL_BACKEND is {backend}: nobody gets the mail that resets a password",
            "Set EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend, and EMAIL_HOST to your mail server.",
        )
    elif backend == "smtp":
        yield _ask_mail_server(name)
    else:
        mail.get_connection()  # raises ImportError if the back end does not exist
        yield ok(name, backend)


def _ask_mail_server(name: str) -> Finding:
    """Connect to the mail server with TLS and password, without sending a mail."""
    where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    try:
        with mail.get_connection(timeout=MAIL_TIMEOUT):
            return ok(name, f"smtp, {where}")
    except (OSError, ValueError) as error:  # Django raises ValueError for TLS and SSL at once
        return warning(
            name,
            f"{where} takes no mail, and passwords cannot be reset: {one_line(error)}",
            "Set EMAIL_HOST and EMAIL_PORT to a mail server that this machine reaches, and EMAIL_USE_TLS, "
            "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD as it wants them.",
        )


CHECKS = (
    Check("settings", check_settings, "See docs/operations.md, Settings."),
    Check("secret key", check_secret_key, "Set SECRET_KEY; see docs/operations.md."),
    Check("hosts", check_hosts, "Set ALLOWED_HOSTS; see docs/operations.md."),
    Check("mail", check_mail, "Set EMAIL_BACKEND=django.core.mail.backends.smtp.EmailBackend."),
)
