"""The files of the demo and of SQLite are for their owner's eyes alone, whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

PROGRAM = """
import os, sys
os.umask(0)
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
WRITE = (
    "from django.contrib.sessions.models import Session; from django.utils import timezone; import os, stat, glob; "
    "Session.objects.create(session_key='x', session_data='', expire_date=timezone.now()); "
    "from django.conf import settings; "
    "print(*(f'{os.path.basename(p)}={stat.S_IMODE(os.stat(p).st_mode):o}' "
    "for p in glob.glob(str(settings.DATABASES['default']['NAME']) + '*')))"
)


def manage(folder: Path, *arguments: str, **settings: str) -> str:
    """Run manage.py with a umask that lets everybody read and write; returns what it prints."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    environment = {**kept, "FLOWRA_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "flowra.settings", **settings}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


@pytest.mark.usefixtures("processes")
def test_nobody_else_reads_what_a_first_start_makes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    manage(folder, "migrate", "--verbosity", "0")
    modes = manage(folder, "shell", "--no-imports", "-c", WRITE).split()
    assert sorted(modes) == ["flowra.sqlite3-shm=600", "flowra.sqlite3-wal=600", "flowra.sqlite3=600"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@pytest.mark.usefixtures("processes")
def test_files_of_the_version_before_are_closed_and_their_folder_is_left(tmp_path: Path) -> None:
    folder, database = tmp_path / "data", tmp_path / "elsewhere" / "chat.sqlite3"
    for made in (folder, database.parent):
        made.mkdir()
        made.chmod(0o755)
    address = {"DATABASE_URL": f"sqlite:///{database}"}
    manage(folder, "migrate", "--verbosity", "0", **address)
    database.chmod(0o644)
    manage(folder, "migrate", "--check", **address)
    assert database.stat().st_mode & 0o777 == 0o600
    assert [made.stat().st_mode & 0o777 for made in (folder, database.parent)] == [0o755, 0o755]
