"""Static files: hashed names where DEBUG is off, and an ordinary 404 for what is not there."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import MissingFileError
from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it comes without types
    """Hashed and compressed; ES modules import each other by their hashed names too, so all can be cached for ever."""

    support_js_module_import_aggregation = True
    # Our own modules only: elsewhere a comment that shows how to import something is taken for an import.
    _js_module_import_aggregation_patterns = ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1])  # type: ignore[attr-defined]


class StaticMiddleware(ServeStaticMiddleware):  # type: ignore[misc]  # it comes without types
    """Serves the static files; with DEBUG on, the original answers 500 and a traceback for a missing one."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file, or whatever comes next; raises Http404 where DEBUG is on and there is no such file."""
        try:
            response: HttpResponseBase = await super().__call__(request)
        except MissingFileError as error:
            raise Http404(str(error)) from error
        return response
