"""Static files: hashed names where DEBUG is off, and an ordinary 404 for what is not there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import File
from django.core.files.storage import InMemoryStorage
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import MissingFileError
from servestatic.storage import CompressedManifestStaticFilesStorage

# Our own modules only: elsewhere a comment that shows how to import something is taken for an import.
_MODULES = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it comes without types
    """Hashed and compressed; ES modules import each other by their hashed names too, so all can be cached for ever."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = _MODULES


class _Trial(HashedFilesMixin, InMemoryStorage):  # type: ignore[misc]  # its base comes without types
    """Hashes as StaticStorage does, and writes nothing to disk."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = _MODULES
    keep_intermediate_files = False

    def __init__(self, sources: Mapping[str, Path]) -> None:
        super().__init__(base_url=settings.STATIC_URL)
        self._sources = sources

    def exists(self, name: str) -> bool:
        """Whether there is such a file, as it stands or hashed."""
        return name in self._sources or super().exists(name)

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """Return a file, as it stands or hashed."""
        return File(io.BytesIO(self._sources[name].read_bytes())) if name in self._sources else super().open(name, mode)


def manifest_of(sources: Mapping[str, Path]) -> dict[str, str]:
    """Return the manifest that collecting these files would write: the hashed name for each; raises what is wrong."""
    trial = _Trial(sources)
    for _, _, result in trial.post_process({name: (trial, name) for name in sources}):
        if isinstance(result, Exception):
            raise result
    return dict(trial.hashed_files)


class StaticMiddleware(ServeStaticMiddleware):  # type: ignore[misc]  # it comes without types
    """Serves the static files; with DEBUG on, the original answers 500 and a traceback for a missing one."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file, or whatever comes next; raises Http404 where DEBUG is on and there is no such file."""
        try:
            response: HttpResponseBase = await super().__call__(request)
        except MissingFileError as error:
            raise Http404(str(error)) from error
        return response
