"""A client that a generator makes of the OpenAPI document posts, catches up and reads refusals, on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.processes import ROOT, Server

SECONDS = 120  # for the generator, which takes three


@pytest.mark.usefixtures("processes")
def test_a_client_made_by_openapi_generator_posts(tmp_path: Path) -> None:
    document, folder = tmp_path / "openapi.json", tmp_path / "client"
    with Server(demo=True) as server:
        with urllib.request.urlopen(f"{server.base_url}/api/v1/schema", timeout=20) as answer:  # noqa: S310 (ours)
            document.write_bytes(answer.read())
        generator = str(Path(sys.executable).with_name("openapi-generator-cli"))
        options = ("-i", str(document), "-o", str(folder), "--package-name", "flowra_client")
        _run(generator, "generate", "-g", "python", *options)
        _run(sys.executable, "-m", "tests.api.document.generated_client", str(folder), server.base_url)
    assert json.loads(document.read_text())["info"]["title"] == "Flowra"


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
