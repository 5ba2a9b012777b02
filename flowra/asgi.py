"""The ASGI application: HTTP to Django, /ws/ to realtime."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowra.settings")
application = get_asgi_application()
