"""The version, read from pyproject.toml. Works without settings."""

import platform
import tomllib
from pathlib import Path

import django

VERSION: str = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text())["project"][
    "version"
]


def version_line() -> str:
    """Return one line with the versions of Flowra, Django and Python, for bug reports."""
    return f"Flowra {VERSION} (Django {django.get_version()}, Python {platform.python_version()})"
