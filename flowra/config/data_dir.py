"""The data folder, and the key that the demo generates in it."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def data_dir(path: Path) -> Path:
    """Return `path`, created with mode 0700 if missing; raises ImproperlyConfigured if it is not writable.

    An existing folder keeps its mode: others may have to read the static files in it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot create the data folder {path}: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"Cannot write to the data folder {path}. Set FLOWRA_DATA_DIR to one you own.")
    return path


def demo_secret_key(folder: Path) -> str:
    """Return the key in `folder`/secret_key, made on first use.

    Several processes may start at once: the key is written to a temporary file and then linked into place, so that
    one process wins and none reads half a key.
    """
    path = data_dir(folder) / "secret_key"
    if not path.exists():
        draft = path.with_name(f"secret_key.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
