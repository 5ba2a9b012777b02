"""Which version this is: what pyproject.toml says. Needs no settings."""

import platform
import tomllib
from pathlib import Path

import django

VERSION: str = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text())["project"][
    "version"
]


def version_line() -> str:
    """Return the version, and those of what a report of a fault should name."""
    return f"Flowra {VERSION} (Django {django.get_version()}, Python {platform.python_version()})"
