"""What whoever starts the tests has set for a server of their own must not change what is tested.

Every way in goes by this: `.ci/run` unsets the same names, and pytest, whose settings were read by the time a conftest
can say anything, begins again without them.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

import pytest

# Settings of Flowra (docs/operations.md), of what it is made of, and of pytest. The folder for data stays: it keeps a
# run's files apart from another one's.
SETTINGS = re.compile(
    r"FLOWRA_(?!DATA_DIR$|CHAOS_SEED$)\w*|DEBUG|SECRET_KEY|ALLOWED_HOSTS|DATABASE_URL|REDIS_URL|EMAIL_\w+"
    r"|DEFAULT_FROM_EMAIL|DJANGO_\w+|UVICORN_\w+|WEB_CONCURRENCY|PROMETHEUS_MULTIPROC_DIR|PG[A-Z]+"
    r"|PYTEST_ADDOPTS|PYTEST_PLUGINS"
)
MARK = "CLEAN_FOR_TESTS"  # in the environment of a run that was given all that is set in it on purpose


def without_settings() -> dict[str, str]:
    """Return this process's environment without anything that would change what is tested."""
    return {name: value for name, value in os.environ.items() if not SETTINGS.fullmatch(name)}


def clean_run(**settings: str) -> dict[str, str]:
    """Return the environment for a run of pytest with these settings and no others."""
    return {**without_settings(), **settings, MARK: "1"}


def begin_again_if_not_clean(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> None:
    """Start this run of pytest anew in this process, without the caller's settings; returns if there are none."""
    foreign = environment.keys() - without_settings().keys()
    if environment.get("DJANGO_SETTINGS_MODULE") == "flowra.settings":
        foreign -= {"DJANGO_SETTINGS_MODULE"}  # pytest-django has set it
    if MARK in environment or not foreign:
        return
    capturing = config.pluginmanager.getplugin("capturemanager")
    if capturing is not None:
        capturing.stop_global_capturing()  # what is shown would go to a file that nobody reads
    sys.stderr.write(f"The tests begin without {', '.join(sorted(foreign))}.\n")
    sys.stderr.flush()
    command = [sys.executable, "-m", "pytest", *map(str, config.invocation_params.args)]
    os.execve(command[0], command, clean_run())  # noqa: S606  (the same command once more)
