"""Checks of this machine: open files, the data folder, and the collected static files."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.files.storage import FileSystemStorage
from django.db import connection

from flowra.doctor.report import Check, Finding, failed, ok, warning
from flowra.storage import manifest_of

MEBIBYTE = 1024 * 1024
LEAST_SPACE = 100 * MEBIBYTE
LITTLE_SPACE = 1024 * MEBIBYTE
OWN_FILES = 150  # per process: the broker's connections (50 at most), listeners, logs, and a reserve
FEW_SOCKETS = 2_000  # below this, the limit is probably a default


def check_open_files() -> Iterator[Finding]:
    """The limit of open files suffices: each socket needs one, and 1,024 is a common default."""
    name = "open files"
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)  # serve raises the soft limit to the hard one
    if limit == resource.RLIM_INFINITY:
        yield ok(name, "no limit")
        return
    room = limit - OWN_FILES - settings.FLOWRA_DB_POOL_SIZE
    detail = f"{limit:,} in each process here: room for about {max(room, 0):,} sockets"
    remedy = "Where serve is started: LimitNOFILE=65536 in its systemd unit, or `ulimit -n 65536` as root."
    if room <= 0:
        yield failed(name, detail, remedy)
    elif room < FEW_SOCKETS:
        yield warning(name, detail, remedy)
    else:
        yield ok(name, detail)


def check_data_folder() -> Iterator[Finding]:
    """The data folder is writable and has free space, if anything is stored there."""
    name, folder = "data folder", Path(settings.DATA_DIR)
    is_kept = connection.vendor == "sqlite" or settings.DEBUG  # the database, or the generated key
    if not is_kept and folder.is_dir() and not os.access(folder, os.W_OK):
        yield ok(name, f"{folder} can only be read, and nothing has to be written there")
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
            file.flush()
    except OSError as error:
        remedy = f"Make {folder} a folder that the user who runs Flowra owns, or set FLOWRA_DATA_DIR to one."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            remedy = "Make room on that disk, or set FLOWRA_DATA_DIR to a folder on another one."
        yield failed(name, f"cannot write to {folder}: {error.strerror}", remedy)
        return
    free = shutil.disk_usage(folder).free
    detail = f"{folder}, {free // MEBIBYTE:,} MiB free"
    remedy = "Make room on that disk; `manage.py prune --delete` clears old rows away."
    if free < LEAST_SPACE:
        yield failed(name, detail, remedy)
    elif free < LITTLE_SPACE:
        yield warning(name, detail, remedy)
    else:
        yield ok(name, detail)


def check_static_files() -> Iterator[Finding]:
    """The collected static files exist and are those of this version."""
    name, remedy = "static files", "Run: manage.py collectstatic --noinput, then start serve anew."
    if not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        yield ok(name, "served from where they stand (DEBUG is on)")
        return
    manifest: dict[str, str] = staticfiles_storage.hashed_files
    root = Path(settings.STATIC_ROOT)
    if not manifest:
        yield failed(name, f"there is no manifest in {root}: every page answers 500", remedy)
        return
    lost = [target for target in manifest.values() if not (root / target).is_file()]
    # Pages request the names in the manifest. No page uses the copies under the original names, and collectstatic
    # does not replace them if they are newer, as after a rollback.
    stale = [path for path, target in manifest_of(_sources()).items() if manifest.get(path) != target]
    if lost:
        yield failed(name, f"{len(lost)} of {len(manifest)} files of the manifest are gone, {lost[0]} for one", remedy)
    elif stale:
        yield failed(name, f"{len(stale)} files have changed since they were collected, {stale[0]} for one", remedy)
    else:
        yield ok(name, f"{len(manifest)} files in {root}")


def _sources() -> dict[str, Path]:
    """Return the source path of each static file, as collectstatic finds them: the first of two with one name."""
    found: dict[str, Path] = {}
    for finder in get_finders():
        for path, storage in finder.list([]):
            if isinstance(storage, FileSystemStorage):
                found.setdefault(path, Path(storage.path(path)))
    return found


CHECKS = (
    Check("open files", check_open_files, "Raise the limit of open files: ulimit -n 65536."),
    Check("data folder", check_data_folder, "Set FLOWRA_DATA_DIR to a folder on a disk that answers."),
    Check("static files", check_static_files, "Run: manage.py collectstatic --noinput"),
)
