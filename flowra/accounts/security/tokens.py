"""JSON web tokens: issue, refresh, revoke, and find their user.

A sign-in issues a pair: a short-lived access token, and a refresh token that can be used once, for the next pair. All
pairs of one sign-in share its id. Three claims end tokens before they expire:

`stamp` is a hash of the user's password hash and security stamp: a new password or "sign out everywhere" ends all their
tokens.

`sid` is the id of the sign-in; revoking a refresh token ends all tokens that have it, access tokens included, and the
sockets opened with them.

`auth_time` is when the sign-in began, in seconds since 1970 (as in OpenID Connect): no token of it outlives
FLOWRA_SIGN_IN_SECONDS from then.

A used refresh token that is sent again was stolen, or its response was lost. Within REUSE_SECONDS it returns the same
pair; later it ends the sign-in. The pair is not stored but computed again: ids and times derive from the used token and
the moment of its first use.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
from typing import Annotated, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy
from msgspec import Meta
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from chats.lib.clock import database_now
from flowra.accounts.models import User
from flowra.accounts.services import touch_security

logger = logging.getLogger(__name__)

STAMP_CLAIM = "stamp"
SID_CLAIM = "sid"
AUTH_TIME_CLAIM = "auth_time"
_REFUSED = gettext_lazy("The refresh token is invalid, expired or used up.")
REUSE_SECONDS = 10  # docs/api.md: a used refresh token returns the same pair for this long


@dataclasses.dataclass(frozen=True, slots=True)
class TokenPair:
    """Two encoded tokens: the access token, and the refresh token for the next pair."""

    access: Annotated[str, Meta(description="For the Authorization header.")]
    refresh: Annotated[str, Meta(description="Good for one refresh; the same again within 10 s brings the same pair.")]
    expires_in: Annotated[int, Meta(description="Seconds until the access token expires.")]


class TokenReusedError(InvalidToken):
    """A refresh token was sent again long after its use; its sign-in, of `user`, has ended."""

    def __init__(self, user: User) -> None:
        super().__init__(str(_REFUSED))
        self.user = user


class _RefreshToken(RefreshToken):
    """A refresh token that can be read whether it was used or not."""

    def check_blacklist(self) -> None:
        """Do nothing: `refresh_tokens` handles used tokens."""


class TokenAuthentication(JWTAuthentication):
    """`Authorization: Bearer <access token>`, for REST and the socket."""

    def get_raw_token(self, header: bytes) -> bytes | None:
        """Return the token; the scheme is case-insensitive (RFC 9110, 11.1). Raises AuthenticationFailed."""
        scheme, _separator, token = header.strip().partition(b" ")
        return super().get_raw_token(b"Bearer " + token) if scheme.lower() == b"bearer" else None

    def get_validated_token(self, raw_token: bytes) -> Token:
        """Return the decoded token; raises InvalidToken if it is forged or expired."""
        try:
            return super().get_validated_token(raw_token)
        except RecursionError:  # deeply nested JSON in the header
            raise InvalidToken from None

    def get_user(self, validated_token: Token) -> Any:
        """Return the token's user; raises InvalidToken if the user may not use it any more."""
        return user_of(validated_token)


def user_of(token: Token) -> User:
    """Return the active user of a decoded token that has not ended; raises InvalidToken."""
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
    refresh = _RefreshToken()
    refresh[api_settings.USER_ID_CLAIM] = str(user.pk)
    refresh[STAMP_CLAIM] = _stamp(user)
    refresh[SID_CLAIM] = refresh[api_settings.JTI_CLAIM]
    now = database_now()
    refresh[AUTH_TIME_CLAIM] = int(now.timestamp())
    return _make_pair(refresh, issued_at=now)


def issue_access_token(user: User) -> str:
    """Return an access token with a sign-in of its own, for scripts."""
    access = AccessToken()
    access[api_settings.USER_ID_CLAIM] = str(user.pk)
    access[STAMP_CLAIM] = _stamp(user)
    access[SID_CLAIM] = access[api_settings.JTI_CLAIM]
    return _encode(access)


def refresh_tokens(encoded: str) -> TokenPair:
    """Use up a refresh token and return the next pair of its sign-in.

    Raises InvalidToken, or TokenReusedError if the token was used more than REUSE_SECONDS ago, which ends the sign-in.
    """
    with transaction.atomic():
        token, user = _read_refresh(encoded)
        used_at = _use(user, token[api_settings.JTI_CLAIM])
        if (database_now() - used_at).total_seconds() <= REUSE_SECONDS:
            token[api_settings.JTI_CLAIM] = _next_jti(token, "refresh")
            token.payload.setdefault(AUTH_TIME_CLAIM, int(used_at.timestamp()))  # tokens of version 0.1 lack it
            return _make_pair(token, issued_at=used_at)
        _end_sign_in(user, token)
    # After the commit: an exception inside would roll it back.
    logger.warning("A used refresh token of user %s came again. Its sign-in has ended.", user.pk)
    raise TokenReusedError(user)


@transaction.atomic
def revoke_tokens(encoded: str) -> None:
    """End the sign-in of a refresh token, used or not, and recheck the user's sockets; raises InvalidToken."""
    token, user = _read_refresh(encoded)
    _use(user, token[api_settings.JTI_CLAIM])
    _end_sign_in(user, token)


def _make_pair(refresh: RefreshToken, *, issued_at: datetime.datetime) -> TokenPair:
    """Return `refresh` and an access token of the same sign-in, with the configured lifetimes."""
    end = refresh[AUTH_TIME_CLAIM] + settings.FLOWRA_SIGN_IN_SECONDS
    access = refresh.access_token
    access[api_settings.JTI_CLAIM] = _next_jti(refresh, "access")
    issued = int(issued_at.timestamp())
    refresh["exp"] = min(issued + settings.FLOWRA_REFRESH_TOKEN_SECONDS, end)
    access["exp"] = min(issued + settings.FLOWRA_ACCESS_TOKEN_SECONDS, end)
    expires_in = access["exp"] - int(database_now().timestamp())
    if expires_in <= 0:
        raise InvalidToken(str(_REFUSED))  # refresh tokens of version 0.1 outlive the sign-in
    return TokenPair(access=_encode(access), refresh=_encode(refresh), expires_in=expires_in)


def _next_jti(token: Token, kind: str) -> str:
    """Return the id of the token of this kind that follows `token`: the same for each call."""
    return salted_hmac(f"flowra.accounts.{kind}", token[api_settings.JTI_CLAIM], algorithm="sha256").hexdigest()[:32]


def _end_sign_in(user: User, token: Token) -> None:
    _use(user, _sign_in_jti(token))
    touch_security(user)


def _encode(token: Token) -> str:
    """Return the encoded token without `iat`: servers whose clock is slow would refuse it."""
    token.payload.pop("iat", None)
    return str(token)


def _read_refresh(encoded: str) -> tuple[RefreshToken, User]:
    """Return the token, which may have been used before, and its user; raises InvalidToken."""
    try:
        token = _RefreshToken(encoded)  # type: ignore[arg-type]  # annotated as Token, but encoded ones are meant
    except (TokenError, RecursionError):
        raise InvalidToken(str(_REFUSED)) from None
    return token, user_of(token)


def _use(user: User, jti: str) -> datetime.datetime:
    """Record that `jti` is used up or has ended; return since when.

    Only ended ids are stored, not tokens; `manage.py prune` deletes them. Of two concurrent calls the second waits for
    the first, and gets its time.
    """
    now = database_now()
    outstanding, _created = OutstandingToken.objects.get_or_create(
        jti=jti, defaults={"user": user, "created_at": now, "expires_at": now + api_settings.REFRESH_TOKEN_LIFETIME}
    )
    BlacklistedToken.objects.get_or_create(token=outstanding)
    return outstanding.created_at or now


def _sign_in_jti(token: Token) -> str:
    return f"sid:{token.get(SID_CLAIM, '')}"


def _stamp(user: User) -> str:
    # Hashed again, because the session hash should not leave the server.
    return salted_hmac("flowra.accounts.token", user.get_session_auth_hash(), algorithm="sha256").hexdigest()[:32]
