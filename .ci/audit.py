"""Ask whether a package that production installs has a known vulnerability: audit.py UV LOCK

The status is 1 if one has. Where nobody could say, that is printed, and the status is 0: a network that does not let CI
ask is no fault of the packages. It is judged by what was looked at, because pip-audit calls a package that it could not
ask about skipped, and ends with "No known vulnerabilities found".
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TOOL = "pip-audit==2.10.1"
SECONDS = 180  # for all of it: to get the tool, and to ask about each package
ANSWER_SECONDS = 10


def run(uv: str, lock: str) -> tuple[dict[str, Any] | None, str]:
    """Return pip-audit's report, or None and why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--timeout", str(ANSWER_SECONDS)]
        command = [
            uv,
            "tool",
            "run",
            "--quiet",
            TOOL,
            *options,
            "--format",
            "json",
            "--output",
            str(report),
            "-r",
            lock,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return None, f"{TOOL} took longer than {SECONDS} s"
        try:
            document: dict[str, Any] = json.loads(report.read_text())
        except (OSError, ValueError):
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            return None, f"{TOOL} wrote no report: {said[-1][:200]}"
    return document, ""


def judge(document: dict[str, Any] | None, reason: str, lock: str) -> tuple[int, str]:
    """Return the status and what to print."""
    packages = [] if document is None else document["dependencies"]
    looked_at = [package for package in packages if "vulns" in package]
    if not looked_at:
        skipped = next((package["skip_reason"] for package in packages if package.get("skip_reason")), "")
        return 0, f"not scanned: {lock}: {reason or skipped or 'there is nothing in the report'}"
    faults = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in looked_at
        for fault in package["vulns"]
    ]
    missed = [str(package["name"]) for package in packages if "vulns" not in package]
    lines = [f"scanned: {lock}: {len(looked_at)} packages, {len(faults)} known vulnerabilities", *faults]
    if missed:
        lines.append(f"not scanned: {', '.join(missed)}")
    return int(bool(faults)), "\n".join(lines)


def main(uv: str, lock: str) -> int:
    """Print what was found, and return the status."""
    status, text = judge(*run(uv, lock), lock)
    sys.stdout.write(f"{text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
