"""Mail that leaves after the answer: how long a mail server takes must not tell who has an account."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage

logger = logging.getLogger(__name__)

# One thread, which starts with the first mail; EMAIL_TIMEOUT bounds how long one mail can hold up the next.
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send_later(message: EmailMessage) -> None:
    """Send `message` in another thread, in order; a failure is logged."""
    _sender.submit(message.send).add_done_callback(_log_failure)


def flush(seconds: float) -> None:
    """Wait until everything handed over before is sent or has failed; raises TimeoutError after `seconds`."""
    _sender.submit(lambda: None).result(timeout=seconds)


def _log_failure(sending: Future[int]) -> None:
    error = sending.exception()
    if error is not None:
        logger.error("A mail could not be sent.", exc_info=error)
