"""JSON web tokens: issue, refresh, revoke, and tell whose one is.

A sign-in issues a pair: a short-lived access token and a refresh token that can be used once, for the next
pair. All pairs that go back to one sign-in share its id. Two claims let tokens end before they expire:

- `stamp` is a hash over the user's password hash and security stamp: a new password or "sign out everywhere"
  ends all their tokens.
- `sid` is the id of the sign-in; revoking a refresh token ends all tokens that have it, access tokens included, and
  the sockets opened with them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from flowra.accounts.models import User
from flowra.accounts.services import touch_security

STAMP_CLAIM = "stamp"
SID_CLAIM = "sid"


@dataclasses.dataclass(frozen=True, slots=True)
class TokenPair:
    """Two encoded tokens: one to call with, one to get the next pair with."""

    access: str
    refresh: str


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`, for REST and, by way of settings, for the socket."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        """Return the token; the scheme's case does not matter (RFC 9110, 11.1). Raises AuthenticationFailed."""
        scheme, _separator, token = header.strip().partition(b" ")
        return super().get_raw_token(b"Bearer " + token) if scheme.lower() == b"bearer" else None

    def get_validated_token(self, raw_token: bytes) -> Token:
        """Return the decoded token; raises InvalidToken where it is forged or expired."""
        try:
            return super().get_validated_token(raw_token)
        except RecursionError:  # a header of nested brackets
            raise InvalidToken from None

    def get_user(self, validated_token: Token) -> Any:
        """Return the token's user; raises InvalidToken where they may not use it any more."""
        return user_of(validated_token)


def user_of(token: Token) -> User:
    """Return the active user of a decoded token that was not ended; raises InvalidToken."""
    ended = BlacklistedToken.objects.filter(token__jti=_sign_in_jti(token))
    try:
        user = User.objects.annotate(has_sign_in_ended=Exists(ended)).get(pk=token[api_settings.USER_ID_CLAIM])
    except (User.DoesNotExist, KeyError, ValidationError):
        raise InvalidToken from None
    if not user.is_active or user.has_sign_in_ended:
        raise InvalidToken
    if not constant_time_compare(str(token.get(STAMP_CLAIM)), _stamp(user)):
        raise InvalidToken
    return user


def issue_tokens(user: User) -> TokenPair:
    """Return the first pair of a new sign-in."""
    refresh = RefreshToken()
    refresh[api_settings.USER_ID_CLAIM] = str(user.pk)
    refresh[STAMP_CLAIM] = _stamp(user)
    refresh[SID_CLAIM] = refresh[api_settings.JTI_CLAIM]
    return TokenPair(access=_encode(refresh.access_token), refresh=_encode(refresh))


def issue_access_token(user: User) -> str:
    """Return an access token of a sign-in of its own, for scripts."""
    access = AccessToken()
    access[api_settings.USER_ID_CLAIM] = str(user.pk)
    access[STAMP_CLAIM] = _stamp(user)
    access[SID_CLAIM] = access[api_settings.JTI_CLAIM]
    return _encode(access)


@transaction.atomic
def refresh_tokens(encoded: str) -> TokenPair:
    """Use up a refresh token and return the next pair of its sign-in; raises InvalidToken."""
    token, user = _read_refresh(encoded)
    if not _blacklist(user, token[api_settings.JTI_CLAIM]):
        raise InvalidToken  # a second call used it between our look and now
    token.set_jti()
    token.set_exp()
    return TokenPair(access=_encode(token.access_token), refresh=_encode(token))


@transaction.atomic
def revoke_tokens(encoded: str) -> None:
    """End a refresh token with its whole sign-in, and have the user's sockets checked; raises InvalidToken."""
    token, user = _read_refresh(encoded)
    _blacklist(user, token[api_settings.JTI_CLAIM])
    _blacklist(user, _sign_in_jti(token))
    touch_security(user)


def _encode(token: Token) -> str:
    """Return a token as it is sent, without `iat`: it ends nothing, and servers whose clock is behind refuse by it."""
    token.payload.pop("iat", None)
    return str(token)


def _read_refresh(encoded: str) -> tuple[RefreshToken, User]:
    try:
        token = RefreshToken(encoded)  # type: ignore[arg-type]  # annotated as Token, but encoded ones are meant
    except (TokenError, RecursionError):
        raise InvalidToken(_("The refresh token is invalid, expired or used up.")) from None
    return token, user_of(token)


def _blacklist(user: User, jti: str) -> bool:
    """Note that `jti` is not valid any more; returns whether it was until now.

    Only what has ended is stored, without the token itself; `manage.py flushexpiredtokens` clears it away.
    """
    now = timezone.now()
    outstanding, _created = OutstandingToken.objects.get_or_create(
        jti=jti, defaults={"user": user, "created_at": now, "expires_at": now + api_settings.REFRESH_TOKEN_LIFETIME}
    )
    return BlacklistedToken.objects.get_or_create(token=outstanding)[1]


def _sign_in_jti(token: Token) -> str:
    return f"sid:{token.get(SID_CLAIM, '')}"


def _stamp(user: User) -> str:
    # Hashed once more, because the session hash is not meant to leave the server.
    return salted_hmac("flowra.accounts.token", user.get_session_auth_hash(), algorithm="sha256").hexdigest()[:32]
