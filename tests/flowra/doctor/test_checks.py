"""Single checks, and how checks are run."""

from __future__ import annotations

import errno
import re
import threading
import time
import types
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from flowra.doctor import configuration, machine
from flowra.doctor.clock import FAIL_FROM, compare_clocks
from flowra.doctor.report import Check, Finding, Status, failed, ok, run_checks, warning, worst
from tests.flowra.doctor.examined import PRODUCTION, examine, mail_server, with_database
from tests.support.processes import environment, free_port, run_manage


def statuses(findings: Iterable[Finding]) -> list[str]:
    """Return the findings' statuses."""
    return [str(finding.status) for finding in findings]


# --- Running ------------------------------------------------------------------------------------


def test_a_check_that_hangs_or_raises_is_a_finding_and_the_next_one_runs() -> None:
    end = threading.Event()

    def hang() -> Iterator[Finding]:
        end.wait(30)
        yield ok("hangs", "after all")

    def fail() -> Iterator[Finding]:
        raise OSError("the  disk\nis gone")
        yield

    def well() -> Iterator[Finding]:
        yield ok("well", "fine")

    checks = [
        Check("hangs", hang, "mend it"),
        Check("raises", fail, "buy one"),
        Check("follows", well, "", needs="raises"),
        Check("follows that", well, "", needs="follows"),
        Check("well", well, ""),
    ]
    began = time.monotonic()
    findings = list(run_checks(checks, deadline=0.2))
    end.set()
    assert time.monotonic() - began < 5
    assert findings[:2] == [
        failed("hangs", "no answer within 0.2 s", "mend it"),
        failed("raises", "the disk is gone", "buy one"),
    ]
    assert statuses(findings) == ["failed", "failed", "skipped", "skipped", "ok"]


def test_the_worst_counts() -> None:
    fine, odd, bad = ok("a", ""), warning("b", "", "x"), failed("c", "", "x")
    assert [worst(some) for some in ([], [fine], [fine, odd], [odd, bad, fine])] == ["ok", "ok", "warning", "failed"]


@pytest.mark.parametrize(
    ("offset", "status"),
    [
        (0, "ok"),
        (-1.5, "ok"),
        (2.5, "warning"),
        (-20, "warning"),
        (FAIL_FROM + 1, "failed"),
        (-FAIL_FROM - 1, "failed"),
    ],
)
def test_clocks_that_differ(offset: float, status: str) -> None:
    finding = compare_clocks("clock", lambda: time.time() + offset)
    assert finding.status == status
    assert ("ahead" in finding.detail) == (offset > 0 or ("ahead" in finding.detail and offset == 0))
    assert f"{abs(offset):.1f}" in finding.detail


def test_a_slow_answer_is_no_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that took 6 s, all of it on the way back: 3 s off at the middle, and nobody knows."""
    readings = iter([100.0, 106.0] * 3)
    monkeypatch.setattr("flowra.doctor.clock.time.time", lambda: next(readings))
    assert compare_clocks("clock", lambda: 100.0).status is Status.OK


@pytest.mark.usefixtures("processes")
def test_nobody_can_come_in(tmp_path: Path) -> None:
    with_database(tmp_path)
    closed = {**PRODUCTION, "FLOWRA_SIGNUP_ENABLED": "false"}
    finding = examine(tmp_path, closed).of("accounts")
    assert (finding["status"], "createsuperuser" in finding["remedy"]) == ("warning", True)
    assert "accounts" not in {each["name"] for each in examine(tmp_path, PRODUCTION).document["checks"]}


@pytest.mark.usefixtures("processes")
def test_a_front_that_is_not_known_and_a_sign_up_that_nobody_decided(tmp_path: Path) -> None:
    with_database(tmp_path)
    forgotten = {
        name: value
        for name, value in PRODUCTION.items()
        if name not in ("FLOWRA_TRUSTED_PROXIES", "FLOWRA_SIGNUP_ENABLED")
    }
    told = [each for each in examine(tmp_path, forgotten).document["checks"] if each["name"] == "settings"]
    assert [each["status"] for each in told] == ["warning", "warning"]
    assert {"FLOWRA_TRUSTED_PROXIES", "FLOWRA_SIGNUP_ENABLED"} <= set(re.findall(r"FLOWRA_\w+", str(told)))


# --- Settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("x" * 60, "failed"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "failed"),
        ("django-insecure-abcdefghijklmnopqrstuvwxyz0123456789abcdefg", "failed"),
        (PRODUCTION["SECRET_KEY"], "ok"),
    ],
)
def test_keys_that_can_be_guessed(settings: Settings, key: str, status: str) -> None:
    settings.SECRET_KEY = key
    (finding,) = configuration.check_secret_key()
    assert finding.status == status
    assert key not in finding.detail + finding.remedy


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        ([], "failed"),
        (["*"], "warning"),
        (["https://chat.example.org"], "failed"),
        (["chat.example.org:8000"], "failed"),
        (["chat.example.org/"], "failed"),
        (["chat.example.org", ".example.com", "[::1]", "127.0.0.1", "localhost"], "ok"),
    ],
)
def test_hosts_that_never_fit(settings: Settings, hosts: list[str], status: str) -> None:
    settings.ALLOWED_HOSTS = hosts
    assert statuses(configuration.check_hosts()) == [status]


def test_mail_that_goes_nowhere(settings: Settings) -> None:
    settings.DEBUG, settings.EMAIL_BACKEND = False, "django.core.mail.backends.console.EmailBackend"
    assert statuses(configuration.check_mail()) == ["warning"]
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = PRODUCTION["EMAIL_BACKEND"], free_port()
    (finding,) = configuration.check_mail()
    assert (finding.status, "refused" in finding.detail) == ("warning", True)
    assert "EMAIL_HOST" in finding.remedy


@pytest.mark.usefixtures("processes")
def test_mail_by_a_back_end_that_is_none(tmp_path: Path) -> None:
    finding = examine(tmp_path, {**PRODUCTION, "EMAIL_BACKEND": "smtp"}).of("mail")
    assert (finding["status"], "smtp.EmailBackend" in finding["remedy"]) == ("failed", True)


def test_mail_that_a_server_would_take(settings: Settings) -> None:
    settings.DEBUG, settings.EMAIL_BACKEND = False, PRODUCTION["EMAIL_BACKEND"]
    with mail_server() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = server["EMAIL_HOST"], int(server["EMAIL_PORT"])
        assert statuses(configuration.check_mail()) == ["ok"]
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "flowra", "hush-hush"
        (finding,) = configuration.check_mail()
        assert (finding.status, "hush-hush" in finding.detail) == ("warning", False)  # it knows of no passwords


# --- The machine --------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "status"), [(100, "failed"), (1024, "warning"), (65536, "ok"), (-1, "ok")])
def test_too_few_open_files(monkeypatch: pytest.MonkeyPatch, limit: int, status: str) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, limit))  # serve raises it to the hard one
    (finding,) = machine.check_open_files()
    assert finding.status == status
    assert ("LimitNOFILE" in finding.remedy) == (status != "ok")


@pytest.mark.parametrize(("free", "status"), [(10, "failed"), (500, "warning"), (5000, "ok")])
def test_a_disk_that_is_full(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    settings.DATA_DIR = tmp_path
    usage = type("Usage", (), {"free": free * machine.MEBIBYTE})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert statuses(machine.check_data_folder()) == [status]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "missing"
    (finding,) = machine.check_data_folder()
    assert finding.status is Status.FAILED
    assert "FLOWRA_DATA_DIR" in finding.remedy


def test_a_folder_on_a_full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("tempfile.TemporaryFile", fail)
    (finding,) = machine.check_data_folder()
    assert (finding.status, finding.remedy.startswith("Make room")) == (Status.FAILED, True)


@pytest.mark.usefixtures("processes")
def test_an_sqlite_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "flowra.sqlite3").mkdir()
    finding = examine(tmp_path, {}).of("database")
    assert (finding["status"], "unable to open" in finding["detail"]) == ("failed", True)
    assert "folder" in finding["remedy"]


def test_a_folder_that_need_not_be_written_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container whose file system is read-only, with PostgreSQL and a key from the environment."""
    settings.DATA_DIR, settings.DEBUG = tmp_path, False
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr(machine, "connection", types.SimpleNamespace(vendor="postgresql"))
    (finding,) = machine.check_data_folder()
    assert (finding.status, "can only be read" in finding.detail) == (Status.OK, True)
    settings.DATA_DIR = tmp_path / "missing"
    assert statuses(machine.check_data_folder()) == ["failed"]


@pytest.mark.usefixtures("processes")
def test_static_files_of_another_version(tmp_path: Path) -> None:
    with_database(tmp_path)
    assert "no manifest" in examine(tmp_path, PRODUCTION).of("static files")["detail"]
    run_manage(["collectstatic", "--noinput", "-v0"], environment(tmp_path, PRODUCTION))
    assert examine(tmp_path, PRODUCTION).of("static files")["status"] == "ok"
    (served,) = (tmp_path / "static" / "js" / "attention").glob("toasts.*.js")
    other = served.with_name("toasts.0123456789ab.js")
    other.write_text("// of another version\n")
    manifest = tmp_path / "static" / "staticfiles.json"
    manifest.write_text(manifest.read_text().replace(served.name, other.name))
    stale = examine(tmp_path, PRODUCTION).of("static files")
    assert (stale["status"], "collectstatic" in stale["remedy"]) == ("failed", True)
    assert "js/attention/toasts.js" in stale["detail"]
    run_manage(["collectstatic", "--noinput", "-v0"], environment(tmp_path, PRODUCTION))
    assert examine(tmp_path, PRODUCTION).of("static files")["status"] == "ok"
    served.unlink()
    assert "gone" in examine(tmp_path, PRODUCTION).of("static files")["detail"]


@pytest.mark.usefixtures("processes")
def test_static_files_after_a_rollback(tmp_path: Path) -> None:
    """collectstatic leaves the newer version's copies where they are, which no page asks for."""
    with_database(tmp_path)
    run_manage(["collectstatic", "--noinput", "-v0"], environment(tmp_path, PRODUCTION))
    newer = tmp_path / "static" / "js" / "toasts.js"
    newer.write_text("// of a newer version\n")
    run_manage(["collectstatic", "--noinput", "-v0"], environment(tmp_path, PRODUCTION))
    assert newer.read_text() == "// of a newer version\n"
    assert examine(tmp_path, PRODUCTION).of("static files")["status"] == "ok"
