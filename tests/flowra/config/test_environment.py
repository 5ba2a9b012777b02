"""Values in the environment: understood, or refused with the variable's name in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from flowra.config.environment import Environment
from tests.support.processes import ROOT, environment, run_manage

PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "a-long-and-random-key-of-50-or-more-characters-0123456789",
    "ALLOWED_HOSTS": "chat.example.org",
    "FLOWRA_HTTPS": "true",
    "FLOWRA_TRUSTED_PROXIES": "127.0.0.1",
    "FLOWRA_SIGNUP_ENABLED": "true",
}


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Environment]:
    def with_value(text: str) -> Environment:
        monkeypatch.setenv("FLOWRA_X", text)
        return Environment()

    return with_value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bool", "true", True),
        ("bool", " On ", True),
        ("bool", "0", False),
        ("bool", "", None),
        ("int", "12", 12),
        ("int", "", None),
        ("float", "2.5", 2.5),
        ("float", "1e3", 1000.0),
        ("str", "$ecret", "$ecret"),
        ("str", "", ""),
        ("list", "a,b", ["a", "b"]),
    ],
)
def test_values(env: Callable[[str], Environment], kind: str, text: str, value: Any) -> None:
    assert getattr(env(text), kind)("FLOWRA_X", default=None) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("bool", "ture"), ("bool", "2"), ("int", "2.5"), ("int", "ten"), ("float", "10 minutes"), ("float", "nan")],
)
def test_nonsense_is_refused_by_name(env: Callable[[str], Environment], kind: str, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"FLOWRA_X must be .*, not '{text}'"):
        getattr(env(text), kind)("FLOWRA_X", default=None)


def manage(folder: Path, settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with these settings and return what came of it."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(folder, settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"FLOWRA_PING_INTERVAL": "often"}, "FLOWRA_PING_INTERVAL must be a number, not 'often'."),
        ({"DEBUG": "false"}, "SECRET_KEY is not set"),
        ({"FLOWRA_LOG_LEVEL": "loud"}, "FLOWRA_LOG_LEVEL must be"),
        ({"FLOWRA_LOG_FORMAT": "xml"}, "FLOWRA_LOG_FORMAT must be plain or json, not 'xml'."),
        (
            {"DATABASE_URL": "postgre://flowra:hush@127.0.0.1/flowra"},
            "DATABASE_URL must begin with postgres:// or sqlite:///.",
        ),
        ({"FLOWRA_DATA_DIR": "/dev/null/flowra"}, "Cannot create the data folder /dev/null/flowra"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_a_command_that_cannot_start_says_why_in_one_line(tmp_path: Path, settings: dict[str, str], told: str) -> None:
    done = manage(tmp_path, settings, "serve", "--port", "0")
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("processes")
def test_an_empty_database_url_counts_as_not_set(tmp_path: Path) -> None:
    done = manage(tmp_path, {"DATABASE_URL": ""}, "check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgres://flowra@%2Fvar%2FRun%2Fpostgresql/name", "/var/Run/postgresql", ""),
        ("postgres://flowra:a%40b@%2Ftmp:5433/name", "/tmp", 5433),  # noqa: S108
        ("postgres://flowra:a%40b@db.example.org:5433/name", "db.example.org", 5433),
        ("postgres:///name", "", ""),
    ],
)
def test_a_socket_of_postgresql_is_written_as_libpq_reads_it(
    env: Callable[[str], Environment], url: str, host: str, port: object
) -> None:
    found = env(url).database("FLOWRA_X", "")
    assert (found["HOST"], found["PORT"], found["NAME"]) == (host, port, "name")


@pytest.mark.usefixtures("processes")
def test_production_settings_pass_the_deployment_checks(tmp_path: Path) -> None:
    done = manage(tmp_path, PRODUCTION, "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("FLOWRA_TRUSTED_PROXIES", "flowra.W006"),
        ("FLOWRA_SIGNUP_ENABLED", "flowra.W007"),
        ("FLOWRA_HTTPS", "flowra.W002"),
        ("ALLOWED_HOSTS", "flowra.E008"),
    ],
)
@pytest.mark.usefixtures("processes")
def test_what_is_missing_for_production_is_told(tmp_path: Path, missing: str, told: str) -> None:
    settings = {name: value for name, value in PRODUCTION.items() if name != missing}
    done = manage(tmp_path, settings, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 1
    assert told in done.stderr
    assert missing in done.stderr


@pytest.mark.usefixtures("processes")
def test_browsers_are_told_to_know_the_name_for_ever_only_where_that_is_set(tmp_path: Path) -> None:
    program = "from django.conf import settings as s; print(s.SECURE_HSTS_PRELOAD)"
    for preload in ("false", "true"):
        done = manage(tmp_path, {**PRODUCTION, "FLOWRA_HSTS_PRELOAD": preload}, "shell", "--no-imports", "-c", program)
        assert done.stdout.strip().lower() == preload, done.stderr


@pytest.mark.usefixtures("processes")
def test_with_tls_no_other_host_of_the_domain_can_plant_a_cookie(tmp_path: Path) -> None:
    program = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    done = manage(tmp_path, PRODUCTION, "shell", "--no-imports", "-c", program)
    names = done.stdout.split()
    assert [name.startswith("__Host-") for name in names] == [True, True], done.stderr


@pytest.mark.usefixtures("processes")
def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    program = "from django.conf import settings; print(settings.SECRET_KEY)"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**environment(tmp_path, {}), "DJANGO_SETTINGS_MODULE": "flowra.settings"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    keys = {process.communicate(timeout=60)[0] for process in starting}
    assert len(keys) == 1
    assert len(keys.pop()) > 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("secret_key*")) == [tmp_path / "secret_key"]


def test_the_table_of_settings_is_complete() -> None:
    read = set(re.findall(r'\benv\.\w+\(\s*"(\w+)"', (ROOT / "flowra" / "settings.py").read_text()))
    table = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(read)


@pytest.mark.usefixtures("processes")
def test_static_files_are_hashed_and_modules_import_hashed_names(tmp_path: Path) -> None:
    run_manage(["collectstatic", "--noinput", "--verbosity=0"], environment(tmp_path, PRODUCTION))
    modules = [path.relative_to(ROOT / "static") for path in (ROOT / "static" / "js").rglob("*.js")]
    assert modules
    for module in modules:
        copies = list((tmp_path / "static" / module.parent).glob(f"{module.stem}.????????????.js"))
        assert len(copies) == 1, module
        imported = [line for line in copies[0].read_text().splitlines() if line.startswith(("import ", "} from "))]
        assert all(line.count(".") >= 3 for line in imported if "from" in line), imported
