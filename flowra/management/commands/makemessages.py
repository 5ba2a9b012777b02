"""Extracts UI texts into the catalogues: `manage.py makemessages -l de`, as `make messages` does."""

import re
from pathlib import Path

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    """Django's command with a reproducible output, so that branches merge.

    No file positions, no date, sorted, no obsolete entries, no fuzzy matches.
    """

    msgmerge_options = ["-q", "--backup=none", "--update", "--no-fuzzy-matching", "--sort-output", "--no-wrap"]  # noqa: RUF012

    def handle(self, *args: object, **options: object) -> None:
        """Extract from code and templates, not from tests or installed packages."""
        options["ignore_patterns"] = ["var", "tests", "benchmarks", "deploy", "docs", ".venv"]
        options["no_location"] = options["no_obsolete"] = options["no_wrap"] = True
        super().handle(*args, **options)

    def write_po_file(self, potfile: str, locale: str) -> None:
        """Merge the sentences into the catalogue of one language."""
        super().write_po_file(potfile, locale)
        for root in self.locale_paths:
            path = Path(root) / locale / "LC_MESSAGES" / f"{self.domain}.po"
            text = path.read_text(encoding="utf-8")
            path.write_text(
                re.sub(r'^"(POT-Creation-Date|Report-Msgid-Bugs-To): .*\n', "", text, flags=re.M), encoding="utf-8"
            )
