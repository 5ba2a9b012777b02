"""manage.py asyncapi: the socket's AsyncAPI document, as docs/asyncapi.json has it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from realtime.asyncapi import asyncapi_document


class Command(BaseCommand):
    help = "Prints the AsyncAPI 3 document of the socket, made from the frames' types: > docs/asyncapi.json"

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        self.stdout.write(json.dumps(asyncapi_document(), indent=2, ensure_ascii=False))
