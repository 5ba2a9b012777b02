"""Sends mail after the response: the duration of sending must not disclose who has an account."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.http import HttpRequest
from django.template import loader
from django.urls import reverse

from flowra.accounts.models import User

logger = logging.getLogger(__name__)

# One thread, started with the first mail; EMAIL_TIMEOUT bounds how long one mail delays the next.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send_later(message: EmailMessage) -> None:
    """Send `message` in another thread, in order; failures are logged."""
    _sender.submit(message.send).add_done_callback(_log_failure)


def tell_password_changed(request: HttpRequest, user: User) -> None:
    """Mail the user that their password was changed, in case it was not them."""
    _tell(request, user, "password_changed")


def tell_token_reused(request: HttpRequest, user: User) -> None:
    """Mail the user that one of their sign-ins has ended because its token may have been copied."""
    _tell(request, user, "token_reused")


def _tell(request: HttpRequest, user: User, name: str) -> None:
    """Send the mail of this name, with a link to reset the password, if the user has an address."""
    if not user.email:
        return
    context = {"user": user, "link": request.build_absolute_uri(reverse("accounts:password_reset"))}
    subject = loader.render_to_string(f"accounts/{name}_subject.txt", context).strip()
    body = loader.render_to_string(f"accounts/{name}_mail.txt", context)
    send_later(EmailMultiAlternatives(subject, body, None, [user.email]))


def flush(seconds: float) -> None:
    """Wait until all mail is sent or has failed; raises TimeoutError after `seconds`."""
    _sender.submit(lambda: None).result(timeout=seconds)


def _log_failure(sending: Future[int]) -> None:
    error = sending.exception()
    if error is not None:
        logger.error("A mail could not be sent.", exc_info=error)
