"""Credentials of a handshake, and whether they are valid.

Session cookies and subprotocol tokens are sent by browsers on their own, so they count only together with an
allowed Origin; a page elsewhere could open a socket in its visitor's name otherwise.
"""

from __future__ import annotations

import dataclasses
import types
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import APIException

from realtime.protocol.frames import SUBPROTOCOL, TOKEN_PREFIX

if TYPE_CHECKING:
    from rest_framework_simplejwt.authentication import JWTAuthentication

    from flowra.accounts.models import User

_token_authentication: JWTAuthentication | None = None
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclasses.dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was good: whose, until when (Unix time), and what to look at to check it again."""

    user_id: UUID
    expires_at: float
    token: str = ""
    session_key: str = ""
    session_id: str = ""  # stays when the session's key changes


@dataclasses.dataclass(frozen=True, slots=True)
class Handshake:
    """What a client sent along when it asked for a socket."""

    origin: str
    host: str
    token: str
    session_key: str
    is_browser_credential: bool
    subprotocol: str | None
    request_id: str | None = None  # as sent


def read_handshake(scope: dict[str, Any]) -> Handshake:
    """Return the handshake in an ASGI scope; the first credential of docs/protocol.md, "Connecting", counts."""
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.lower(), value.decode("latin-1"))
    offered = scope.get("subprotocols") or []
    scheme, _, header_token = headers.get(b"authorization", "").partition(" ")
    token = header_token.strip() if scheme.lower() == "bearer" else ""
    from_header = bool(token)
    if not token:
        token = next((name[len(TOKEN_PREFIX) :] for name in offered if name.startswith(TOKEN_PREFIX)), "")
    session_key = "" if token else _session_key(headers.get(b"cookie", ""))
    return Handshake(
        origin=headers.get(b"origin", ""),
        host=headers.get(b"host", ""),
        token=token,
        session_key=session_key,
        is_browser_credential=not from_header and bool(token or session_key),
        subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None,
        request_id=headers.get(b"x-request-id"),
    )


def is_origin_allowed(handshake: Handshake) -> bool:
    """Whether the handshake may go on: a token in a header always may, else the Origin decides.

    Without an Origin no browser is calling; then only what a browser would send on its own is refused.
    """
    if handshake.token and not handshake.is_browser_credential:
        return True
    if not handshake.origin:
        return not handshake.is_browser_credential
    if handshake.origin in settings.FLOWRA_ALLOWED_ORIGINS:
        return True
    try:
        origin = urlsplit(handshake.origin)
        origin_port = origin.port or _DEFAULT_PORTS.get(origin.scheme)
    except ValueError:
        return False
    host, port = split_domain_port(handshake.host.lower())
    same_host = origin.scheme in _DEFAULT_PORTS and origin.hostname == host.strip("[]")
    same_port = origin_port == (int(port) if port else _DEFAULT_PORTS.get(origin.scheme))
    return same_host and same_port and validate_host(host, settings.ALLOWED_HOSTS)


def authenticate(handshake: Handshake) -> tuple[User, Credential] | None:
    """Return who is calling and by what right, or None; reads the database."""
    if handshake.token:
        return check_token(handshake.token)
    if handshake.session_key:
        return check_session(handshake.session_key)
    return None


def register_token_authentication(authentication: JWTAuthentication) -> None:
    """Have access tokens of sockets checked as REST checks them; the package with the accounts registers how."""
    global _token_authentication
    _token_authentication = authentication


def check_token(token: str) -> tuple[User, Credential] | None:
    """Return the user of an access token, or None where it is forged, expired or revoked, or the user is inactive."""
    if _token_authentication is None:
        return None
    try:
        validated = _token_authentication.get_validated_token(token.encode("utf-8", "replace"))
        user = cast("User", _token_authentication.get_user(validated))
    except APIException:
        return None
    return user, Credential(user_id=user.pk, expires_at=float(validated["exp"]), token=token)


def check_session(session_key: str) -> tuple[User, Credential] | None:
    """Return the user signed in to a session, or None where it ended or the user is inactive."""
    session = _sessions().SessionStore(session_key)
    request: Any = types.SimpleNamespace(session=session)
    user = get_user(request)
    if not user.is_authenticated:
        return None
    # When it ends, not how long a session lasts that is begun now, as get_expiry_age() would say.
    return user, Credential(
        user_id=user.pk,
        expires_at=session.ends_at.timestamp(),
        session_key=session_key,
        session_id=session.get("sid", ""),
    )


def is_valid(credential: Credential) -> bool:
    """Whether a credential would still be accepted; reads the database."""
    return recheck(credential) is not None


def recheck(credential: Credential) -> Credential | None:
    """Return a credential as it is now, or None where it would not be accepted any more; reads the database."""
    if credential.token:
        found = check_token(credential.token)
    else:
        sid = credential.session_id
        found = check_session(_sessions().find_key(sid) if sid else credential.session_key)
    return found[1] if found is not None and found[1].user_id == credential.user_id else None


def _sessions() -> Any:
    return import_module(settings.SESSION_ENGINE)


def _session_key(header: str) -> str:
    return parse_cookie(header).get(settings.SESSION_COOKIE_NAME, "")
