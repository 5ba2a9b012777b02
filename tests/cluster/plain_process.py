"""A Django process beside the servers, on their database and without their broker: a cron job, or somebody's shell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Self

from tests.support.processes import ROOT, ProgramError, environment, run_manage, temporary_folder

# Does what each line of standard input says, and answers with one line: what was left in `result`.
LOOP = """
import json, sys, django
django.setup()
from django.contrib.auth import get_user_model
from django.test import Client
from chats import services
from flowra.accounts.security import tokens
for line in sys.stdin:
    names = {"User": get_user_model(), "Client": Client, "services": services, "tokens": tokens, "result": None}
    exec(json.loads(line), names)
    print(json.dumps(names["result"], default=str), flush=True)
"""


class PlainProcess:
    """Runs code in one such process; starting Django for each piece of it would take most of the time."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        if "REDIS_URL" in settings:
            raise ValueError("A plain process has no broker.")
        self.env = {**environment(temporary_folder(), settings), "DJANGO_SETTINGS_MODULE": "flowra.settings"}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:  # closes its input, at which it ends, and waits
            pass

    def run(self, code: str, **values: Any) -> Any:
        """Run `code` with these values by name, and return what it leaves in `result`, as JSON has it."""
        given = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(given + code) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise ProgramError("The plain process has ended; what went wrong stands on standard error.")
        return json.loads(answer)

    def manage(self, *arguments: str, typed: str = "") -> str:
        """Run a manage.py command in such a process, with `typed` at its prompts, and return what it prints."""
        return run_manage(arguments, self.env, typed=typed)
