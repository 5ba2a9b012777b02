"""Static files: hashed names if DEBUG is off, and a 404 for missing files."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core.files.base import File
from django.core.files.storage import InMemoryStorage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from servestatic.compress import Compressor
from servestatic.middleware import AsyncServeStaticFileResponse, ServeStaticMiddleware
from servestatic.responders import MissingFileError
from servestatic.storage import CompressedManifestStaticFilesStorage

# Only the project's own modules: in others, example imports in comments would be rewritten.
_MODULES = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]

# One pass for each module in the longest chain of imports, as each name depends on the next; Django stops after 5.
_PASSES = 20

# What pages load: bundles, the other scripts and styles beside them, and htmx.
_OF_PAGES = re.compile(r"/(?:(?:js|css)/[^/]+|htmx-2\.min)\.[0-9a-f]{12}\.(?:js|css)$")


class _Compressor(Compressor):  # type: ignore[misc]  # it comes without types
    """Compresses with gzip, and what pages load also with Brotli: of all files that would take 40 s instead of 4."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._by_gzip = Compressor(**{**options, "use_brotli": False})

    def compress(self, path: str | os.PathLike[str]) -> list[str]:
        """Write the compressed forms of a file beside it, and return their paths."""
        is_of_pages = _OF_PAGES.search(os.fspath(path))
        written: list[str] = super().compress(path) if is_of_pages else self._by_gzip.compress(path)
        return written


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it comes without types
    """Hashed and compressed files. ES modules import each other by hashed names too, so all can be cached for ever."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = _MODULES
    max_post_process_passes = _PASSES

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses the collected files."""
        return _Compressor(**options)


class _Trial(HashedFilesMixin, InMemoryStorage):  # type: ignore[misc]  # its base comes without types
    """Hashes like StaticStorage without writing to disk."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns = _MODULES
    max_post_process_passes = _PASSES
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
    """Return the manifest that collectstatic would write for these files, name to hashed name; raises its errors."""
    trial = _Trial(sources)
    for _, _, result in trial.post_process({name: (trial, name) for name in sources}):
        if isinstance(result, Exception):
            raise result
    return dict(trial.hashed_files)


class StaticMiddleware(ServeStaticMiddleware):  # type: ignore[misc]  # it comes without types
    """Serves static files, with 404 for missing ones; the original answers 500 for them if DEBUG is on."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file, or the next middleware's response; raises Http404 if DEBUG is on and the file is missing."""
        try:
            response: HttpResponseBase = await super().__call__(request)
        except MissingFileError as error:
            raise Http404(str(error)) from error
        is_whole = response.status_code == 200 and request.method == "GET" and "Content-Encoding" not in response
        if is_whole and self.autorefresh and isinstance(response, AsyncServeStaticFileResponse):
            return await _in_one_piece(response)
        return response


async def _in_one_piece(response: StreamingHttpResponse) -> HttpResponse:
    """Return a file that is not streamed: with DEBUG on it has no compressed copy, and is compressed as a page is."""
    content = b"".join([part async for part in response])
    response.close()
    del response["ETag"]  # that of the bytes as they stand; browsers go by Last-Modified
    return HttpResponse(content, headers=response.headers)
