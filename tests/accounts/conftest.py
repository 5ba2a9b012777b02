"""Fixtures of the account tests."""

from __future__ import annotations

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def fast_hashing(settings: Settings) -> None:
    """Hash passwords quickly: what these tests look at does not depend on how slow it is."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
