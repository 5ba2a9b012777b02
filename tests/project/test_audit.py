"""CI says which packages were looked at for known vulnerabilities, and not that all is well where nobody could say."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.processes import ROOT

FINE: dict[str, Any] = {"name": "django", "version": "5.2.19", "vulns": []}
FAULTY: dict[str, Any] = {
    "name": "nh3",
    "version": "0.1.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["0.1.1"], "aliases": [], "description": ""}],
}
SKIPPED: dict[str, Any] = {"name": "redis", "skip_reason": "Dependency not found on PyPI: redis (8.1.0)"}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    specification = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([FINE], 0, "scanned: lock: 1 packages, 0 known vulnerabilities"),
        ([FINE, FAULTY], 1, "nh3 0.1.0: PYSEC-2026-1, mended in 0.1.1"),
        ([FINE, SKIPPED], 0, "not scanned: redis"),
        ([SKIPPED], 0, "not scanned: lock: Dependency not found"),
        ([], 0, "not scanned: lock"),
    ],
)
def test_what_is_said_goes_by_what_was_looked_at(
    audit: ModuleType, packages: list[dict[str, Any]], status: int, says: str
) -> None:
    found, text = audit.judge({"dependencies": packages}, "", "lock")
    assert found == status
    assert says in text
    assert text.startswith("not scanned") == (FINE not in packages)


@pytest.mark.usefixtures("processes")
def test_a_tool_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no network' >&2\nexit 2\n")
    uv.chmod(0o755)
    command = [sys.executable, ".ci/audit.py", str(uv), "requirements.lock"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("not scanned: requirements.lock: pip-audit")
    assert "no network" in done.stdout
