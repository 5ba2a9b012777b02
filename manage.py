#!/usr/bin/env python
"""Django's command line: `manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError

from flowra.version import version_line


def main() -> None:
    """Run one management command with the project's settings; what an operator can mend is said in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowra.settings")
    if sys.argv[1:] in (["version"], ["--version"]):  # Django would tell its own
        sys.stdout.write(f"{version_line()}\n")
        return
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Flowra cannot start: {error}")
    except (OperationalError, ProgrammingError, OSError) as error:  # the database is away or behind, a disk is full
        if "--traceback" in sys.argv:
            raise
        what = "" if isinstance(error, OSError) else "The database does not answer as it should: "
        reason = " ".join(str(error).partition("\nLINE ")[0].split())  # the rest quotes the statement
        sys.exit(f"{what}{reason} (manage.py doctor says more, --traceback where.)")


if __name__ == "__main__":
    main()
