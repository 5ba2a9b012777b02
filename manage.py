#!/usr/bin/env python
"""Django's command line: `manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    """Run one management command with the project's settings; what is wrong with those is said in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowra.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Flowra cannot start: {error}")


if __name__ == "__main__":
    main()
