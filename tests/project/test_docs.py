"""The documents name what there is, and lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from flowra.doctor import CHECKS
from tests.support.processes import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def test_every_command_of_ours_is_in_operations() -> None:
    ours = {
        name
        for name, app in get_commands().items()
        if str(app).split(".")[0] in ("flowra", "chats", "presence", "realtime")
    }
    assert {"serve", "doctor", "broadcast", "prune"} <= ours
    assert {name for name in ours if not re.search(rf"`manage\.py {name}\b", OPERATIONS)} == set()


def test_every_check_of_the_doctor_is_in_operations() -> None:
    table = OPERATIONS.split("### The doctor", 1)[1].split("### Pruning", 1)[0]
    named = {name for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in row.split(", ")}
    assert {check.name for check in CHECKS} == named - {"line", "---"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text())
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []
