"""Endpoints of accounts: tokens, and the caller's own profile."""

from __future__ import annotations

import dataclasses
from typing import Any, NoReturn

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _
from rest_framework import permissions, serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from chats.api.base import ApiView
from chats.api.document.schema import public_writes, reads, writes
from chats.api.input.fields import TextField
from chats.payload_types import MePayload
from chats.payloads import me_payload
from flowra.accounts.mail import tell_token_reused
from flowra.accounts.models import User
from flowra.accounts.security import tokens
from flowra.accounts.security.throttle import note_refusal
from flowra.accounts.services import DISPLAY_NAME_MAX_LENGTH, change_display_name


class Credentials(serializers.Serializer[Any]):
    username = TextField(longest=255, required_text=False)
    password = TextField(longest=4096, required_text=False)


class RefreshBody(serializers.Serializer[Any]):
    refresh = TextField(longest=4096, required_text=False)


class MeWrite(serializers.Serializer[Any]):
    display_name = TextField(longest=DISPLAY_NAME_MAX_LENGTH, line=True, required=False)


class PublicView(ApiView):
    """For callers without a credential, or with an expired one, which is ignored."""

    authentication_classes = ()
    permission_classes = (permissions.AllowAny,)
    throttle_scope = "auth"

    def get_authenticate_header(self, request: Request) -> str:
        """Return the value of WWW-Authenticate for a 401."""
        return 'Bearer realm="api"'

    def throttled(self, request: Request, wait: float) -> NoReturn:
        """Refuse a request that exceeds the limit, and record that."""
        note_refusal(request._request)
        super().throttled(request, wait)


class TokenObtain(PublicView):
    @public_writes("obtainTokens", {200: tokens.TokenPair}, body=Credentials)
    def post(self, request: Request) -> Response:
        """Sign in."""
        # Django's own request: axes marks it so that its middleware sends the lock-out response.
        http_request = request._request
        user = authenticate(http_request, **self.read_body(Credentials))
        if user is None:
            raise AuthenticationFailed(_("Unknown username or wrong password."), code="authentication_failed")
        user_logged_in.send(sender=User, request=http_request, user=user)
        return Response(dataclasses.asdict(tokens.issue_tokens(user)))


class TokenRefresh(PublicView):
    @public_writes("refreshTokens", {200: tokens.TokenPair}, body=RefreshBody)
    def post(self, request: Request) -> Response:
        """Get the next pair of tokens; uses up the refresh token."""
        try:
            pair = tokens.refresh_tokens(self.read_body(RefreshBody)["refresh"])
        except tokens.TokenReusedError as error:
            tell_token_reused(request._request, error.user)
            raise
        return Response(dataclasses.asdict(pair))


class TokenRevoke(PublicView):
    @public_writes(
        "revokeTokens",
        {204: None},
        body=RefreshBody,
    )
    def post(self, request: Request) -> Response:
        """Sign out: end a refresh token and all tokens that go back to the same sign-in."""
        tokens.revoke_tokens(self.read_body(RefreshBody)["refresh"])
        return Response(status=204)


class MeView(ApiView):
    @reads("getMe", MePayload)
    def get(self, request: Request) -> Response:
        """The caller."""
        return Response(me_payload(self.user))

    @writes("updateMe", {200: MePayload}, body=MeWrite)
    def patch(self, request: Request) -> Response:
        """Change the caller's display name."""
        body = self.read_body(MeWrite)
        if "display_name" in body:
            change_display_name(self.user, body["display_name"])
        return Response(me_payload(self.user))
