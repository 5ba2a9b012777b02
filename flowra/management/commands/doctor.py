"""manage.py doctor: checks everything that Flowra depends on, and says how to fix what is wrong."""

from __future__ import annotations

import dataclasses
import json
import sys
import textwrap
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from flowra.doctor import CHECKS
from flowra.doctor.report import Finding, Status, run_checks, worst

NAME_WIDTH = 18
LINE_WIDTH = 110


class Command(BaseCommand):
    help = (
        "Looks at settings, this machine, the database, Redis and the channel layer, changes nothing, and says for "
        "each fault what to do. The exit status is 1 if anything failed."
    )
    # The doctor reports the system checks itself; they must not prevent it from running.
    requires_system_checks: list[str] = []  # noqa: RUF012  (as the base class has it)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --json."""
        parser.add_argument("--json", action="store_true", help="print one JSON document, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding as it comes, or all at the end as JSON."""
        findings: list[Finding] = []
        for finding in run_checks(CHECKS):
            findings.append(finding)
            if not options["json"]:
                self._show(finding)
        status = worst(findings)
        if options["json"]:
            document = {"status": status, "checks": [dataclasses.asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            counts = Counter(finding.status for finding in findings)
            self.stdout.write(", ".join(f"{counts[kind]} {kind}" for kind in Status if counts[kind]))
        if status is Status.FAILED:
            sys.exit(1)

    def _show(self, finding: Finding) -> None:
        paint = {Status.OK: self.style.SUCCESS, Status.FAILED: self.style.ERROR}.get(finding.status, self.style.WARNING)
        self.stdout.write(f"{paint(f'{finding.status:<8}')} {finding.name:<{NAME_WIDTH}} {finding.detail}")
        if finding.remedy:
            indent = " " * (NAME_WIDTH + 10)
            self.stdout.write(
                textwrap.fill(finding.remedy, LINE_WIDTH, initial_indent=indent, subsequent_indent=indent)
            )
        self.stdout.flush()
