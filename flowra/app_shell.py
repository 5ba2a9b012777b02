"""What makes the page an app on a phone: its manifest, its service worker, and the page that stands in when offline.

The service worker (`static/js/service-worker.js`) keeps one page, the same for everybody, and the files which that
page names. It is rendered without a request, so that no name, token or nonce can be in it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

SHELL = "/offline/"
INDIGO, LIGHT = "#4f46e5", "#ffffff"  # of the icon; --bg in tokens.css
NAMED = re.compile(rf'(?:href|src)="({re.escape(settings.STATIC_URL)}[^"]+)"')
# In place of the worker where it is switched off: browsers that have one fetch this, and are rid of it.
GONE = """self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  const forget = async () => {
    for (const name of await caches.keys()) await caches.delete(name);
    await self.registration.unregister();
  };
  event.waitUntil(forget());
});
"""


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app's manifest."""
    icons = [
        {"src": static(f"img/{name}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for name, size, purpose in (
            ("icon-192", 192, "any"),
            ("icon-512", 512, "any"),
            ("icon-maskable-512", 512, "maskable"),
        )
    ]
    content = {
        "id": "/",
        "name": "Flowra",
        "short_name": "Flowra",
        "description": _("Team chat in which people can see that it is alive."),
        "start_url": "/#sidebar",  # on a phone the list of chats, see drawers.js
        "scope": "/",
        "display": "standalone",
        "theme_color": INDIGO,
        "background_color": LIGHT,
        "icons": icons,
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker with what it is to keep; another page or file is another worker."""
    script = GONE
    if settings.FLOWRA_OFFLINE_PAGE:
        page, source = shell_page(), _source()
        kept = [SHELL, *NAMED.findall(page)]
        version = hashlib.sha256("\0".join([page, source]).encode()).hexdigest()[:12]
        script = f"const VERSION = {json.dumps(version)};\nconst KEPT = {json.dumps(kept)};\n{source}"
    return HttpResponse(script, content_type="text/javascript; charset=utf-8", headers={"Service-Worker-Allowed": "/"})


@require_safe
@cache_control(no_cache=True)
def offline(request: HttpRequest) -> HttpResponse:
    """Return the page that the service worker keeps."""
    return HttpResponse(shell_page())


def shell_page() -> str:
    """Return the page in the language of the request that is being answered."""
    return render_to_string("offline.html")


@functools.cache
def _source() -> str:
    """Return the service worker's script."""
    return Path(settings.BASE_DIR, "static", "js", "service-worker.js").read_text()
