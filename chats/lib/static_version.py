"""What tells the static files of one release from those of another."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage

_DIGITS = 12


@functools.cache
def static_version() -> str:
    """Return a text that is the same in all processes of a release, and another where static files have changed.

    It is the manifest's that `collectstatic` wrote, as this process has read it, and without one a digest of the source
    files.
    """
    collected: str = getattr(staticfiles_storage, "manifest_hash", "")
    return collected or digest_of(Path(folder) for folder in settings.STATICFILES_DIRS)


def digest_of(folders: Iterable[Path]) -> str:
    """Return a digest of the names and contents of all files in these folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = hashlib.sha256(path.read_bytes()).digest()
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + content)
    return digest.hexdigest()[:_DIGITS]
