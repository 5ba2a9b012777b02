"""`manage.py serve` as its users meet it: a process that starts, answers, refuses and stops."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from flowra.server.server import address_of, bind
from tests.support.processes import ROOT, PostgreSQL, Server, Valkey, environment, free_port, run_manage, wait_until

PEOPLE = "from flowra.accounts.models import User"
COUNT_PEOPLE = f"{PEOPLE}; print(User.objects.count())"


def refused(tmp_path: Path, *options: str, **settings: str) -> str:
    """Run a serve that must not start, and return the one line in which it says why."""
    command = [sys.executable, "manage.py", "serve", *options]
    env = environment(tmp_path, settings)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert done.stdout == ""
    line, end, rest = done.stderr.partition("\n")
    assert (end, rest) == ("\n", "")
    return line


def children(pid: int) -> list[int]:
    """Return the pids of the worker processes under a server's pid."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_it_answers_at_the_address_that_it_prints(server: Server) -> None:
    assert server.port > 0
    assert httpx.get(f"{server.base_url}/healthz").text == "ok"


@pytest.mark.usefixtures("processes")
def test_it_takes_as_many_sockets_as_the_system_grants() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        running = Server().start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    limits = Path(f"/proc/{running.process.pid}/limits").read_text()
    running.stop()
    assert re.search(rf"^Max open files +{hard} +{hard} ", limits, re.MULTILINE)


def test_it_does_not_tell_which_software_it_is(server: Server) -> None:
    assert "server" not in httpx.get(f"{server.base_url}/healthz").headers


def test_a_page_and_its_style_sheet_come_without_collecting_anything(server: Server) -> None:
    page = httpx.get(f"{server.base_url}/accounts/login/")
    assert page.status_code == 200
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
    assert sheets
    assert all(httpx.get(server.base_url + sheet).status_code == 200 for sheet in sheets)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_demo_shows_the_products_own_error_pages(workers: str, valkey: Valkey) -> None:
    settings = {"REDIS_URL": valkey.url} if workers != "1" else {}
    with (
        Server(settings, options=["--workers", workers], demo=True) as running,
        httpx.Client(base_url=running.base_url) as http,
    ):
        nothing = http.get("/chats/no-such-page/")
        forged = http.post("/accounts/login/", data={"username": "john", "password": "demo"})
        elsewhere = http.get("/", headers={"Host": "elsewhere.example"})
        signing_in = http.get("/accounts/login/")
    assert (nothing.status_code, forged.status_code, elsewhere.status_code) == (404, 403, 400)
    for page in (nothing, forged, elsewhere):
        assert f'<p class="muted">{page.status_code}</p>' in page.text
        assert "DEBUG" not in page.text
    assert 'name="account"' in signing_in.text  # it is the demo all the same


def test_a_missing_static_file_is_an_ordinary_404(server: Server) -> None:
    assert httpx.get(f"{server.base_url}/static/nothing.css").status_code == 404
    assert "Traceback" not in server.output()


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path, server: Server) -> None:
    line = refused(tmp_path, "--port", str(server.port))
    assert f"Cannot listen on 127.0.0.1 port {server.port}: Address already in use." in line


def test_a_taken_port_is_refused_before_anything_is_written(tmp_path: Path, server: Server) -> None:
    refused(tmp_path, "--demo", "--port", str(server.port))
    assert not (tmp_path / "flowra.sqlite3").exists()


@pytest.mark.usefixtures("processes")
def test_an_unknown_host_is_refused_in_one_line(tmp_path: Path) -> None:
    assert "Cannot listen on 192.0.2.1 port 0" in refused(tmp_path, "--host", "192.0.2.1", "--port", "0")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("port", ["eighty", "-1", "65536", "8.0", ""])
def test_what_is_not_a_port_is_refused(tmp_path: Path, port: str) -> None:
    command = [sys.executable, "manage.py", "serve", f"--port={port}"]
    env = environment(tmp_path, {})
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "is not a port: give a number from 0 to 65535" in done.stderr


@pytest.mark.usefixtures("processes")
def test_workers_without_a_broker_are_refused(tmp_path: Path) -> None:
    assert "--workers 2 needs REDIS_URL" in refused(tmp_path, "--workers", "2", "--port", "0")


@pytest.mark.usefixtures("processes")
def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    env = environment(tmp_path, {"FLOWRA_DRAIN_SECONDS": "0"})
    command = [sys.executable, "manage.py", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "(flowra.E001) FLOWRA_DRAIN_SECONDS is 0.0; it must be above 0." in done.stderr
    assert "HINT" in done.stderr


@pytest.mark.usefixtures("processes")
def test_a_database_without_its_migrations_is_refused(tmp_path: Path) -> None:
    assert "The database is not up to date. Run: manage.py migrate" in refused(tmp_path, "--port", "0")


@pytest.mark.usefixtures("processes")
def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    env = environment(tmp_path, {"DATABASE_URL": f"postgres://flowra@127.0.0.1:{free_port()}/flowra"})
    command = [sys.executable, "manage.py", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    # The pool's log of its attempts goes before.
    assert "The database does not answer as it should" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGTERM, 20.0), (signal.SIGHUP, 20.0), (signal.SIGINT, 3.0)])
def test_it_stops_in_time_with_status_0(number: signal.Signals, seconds: float) -> None:
    with Server() as running, httpx.Client() as client:
        client.get(f"{running.base_url}/healthz")  # its connection stays open
        asked = time.monotonic()
        assert running.stop(number) == 0
        assert time.monotonic() - asked < seconds
        assert "Traceback" not in running.output()


@pytest.mark.usefixtures("processes")
def test_a_restart_keeps_the_data() -> None:
    with Server() as running:
        running.manage("seed_demo")
        people = int(running.manage("shell", "-v0", "-c", COUNT_PEOPLE))
        port = running.port
        assert running.stop() == 0
        running.start()
        assert running.port == port
        assert int(running.manage("shell", "-v0", "-c", COUNT_PEOPLE)) == people > 0


@pytest.mark.usefixtures("processes")
def test_the_demo_is_filled_once(tmp_path: Path) -> None:
    empty = {"DATABASE_URL": f"sqlite:///{tmp_path}/demo.sqlite3"}
    with Server(empty, options=["--demo"]) as running:
        assert "Sign in as john, jane, bob" in running.output()
        assert "the password is demo" in running.output()
        people = running.manage("shell", "-v0", "-c", COUNT_PEOPLE)
        running.manage("shell", "-v0", "-c", f"{PEOPLE}; User.objects.filter(username='john').update(is_active=False)")
        running.stop()
        running.start()
        assert "Sign in as jane, bob" in running.output()
        assert running.manage("shell", "-v0", "-c", COUNT_PEOPLE) == people


@pytest.mark.usefixtures("processes")
def test_production_gets_no_demo_people(tmp_path: Path) -> None:
    settings = {
        "DEBUG": "false",
        "SECRET_KEY": "a-long-and-random-key-of-50-or-more-characters-0123456789",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/production.sqlite3",
    }
    with Server(settings, options=["--demo"]) as running:
        assert "Sign in as" not in running.output()
        assert int(running.manage("shell", "-v0", "-c", COUNT_PEOPLE)) == 0
        page = httpx.get(f"{running.base_url}/accounts/login/")
        assert page.status_code == 200
        sheet = re.search(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', page.text)
        assert sheet
        assert "immutable" in httpx.get(running.base_url + sheet[1]).headers["cache-control"]


def test_two_workers_serve_and_stop_together(valkey: Valkey) -> None:
    with Server({"REDIS_URL": valkey.url}, options=["--workers", "2"]) as running:
        assert len(children(running.process.pid)) == 2
        with httpx.Client() as client:
            assert all(client.get(f"{running.base_url}/healthz").text == "ok" for _ in range(20))
        assert "flowra_connections" in httpx.get(f"{running.base_url}/metrics").text
        assert running.stop() == 0
        assert "Traceback" not in running.output()


def test_workers_stop_when_the_terminal_is_gone(valkey: Valkey) -> None:
    with Server({"REDIS_URL": valkey.url}, options=["--workers", "2"]) as running:
        assert running.stop(signal.SIGHUP) == 0
        assert "Traceback" not in running.output()


@pytest.mark.usefixtures("processes")
def test_it_goes_on_without_its_terminal_where_nohup_says_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as from nohup
    try:
        running = Server().start()
    finally:
        signal.signal(signal.SIGHUP, before)
    with contextlib.ExitStack() as stack:
        stack.callback(running.kill)
        running.send_signal(signal.SIGHUP)
        for _ in range(5):
            assert httpx.get(f"{running.base_url}/readyz").json()["status"] == "ready"
        assert running.stop() == 0


def test_ctrl_c_in_a_terminal_stops_the_workers_in_time(valkey: Valkey) -> None:
    with Server({"REDIS_URL": valkey.url}, options=["--workers", "2"]) as running:
        asked = time.monotonic()
        assert running.stop(signal.SIGINT) == 0
        assert time.monotonic() - asked < 3.0
        assert "Traceback" not in running.output()


def test_a_worker_that_dies_is_replaced(valkey: Valkey) -> None:
    with Server({"REDIS_URL": valkey.url}, options=["--workers", "2"]) as running:
        victim = children(running.process.pid)[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(
            lambda: len(found := children(running.process.pid)) == 2 and victim not in found, 30, "another worker"
        )
        assert httpx.get(f"{running.base_url}/healthz").text == "ok"


def test_workers_end_when_their_supervisor_is_killed(valkey: Valkey) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = {"REDIS_URL": valkey.url, "FLOWRA_DRAIN_SECONDS": "2", "TMPDIR": folder}
        with Server(settings, options=["--workers", "2"]) as running:
            workers = children(running.process.pid)
            assert list(Path(folder).glob("flowra-metrics-*"))
            running.kill()
            wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 30, "the end of the workers")
            assert not list(Path(folder).glob("flowra-metrics-*"))


@pytest.mark.usefixtures("processes")
def test_postgresql_serves_and_is_found_again_after_its_restart() -> None:
    with PostgreSQL() as database, Server({"DATABASE_URL": database.create_database()}) as running:
        assert httpx.get(f"{running.base_url}/readyz").json()["parts"]["database"] == "ok"
        database.stop()
        away = httpx.get(f"{running.base_url}/readyz", timeout=20)
        assert (away.status_code, away.json()["status"]) == (503, "failing")
        assert away.json()["parts"]["database"] in ("failed", "no answer")
        assert httpx.get(f"{running.base_url}/healthz").text == "ok"
        database.start()
        wait_until(lambda: httpx.get(f"{running.base_url}/readyz", timeout=20).status_code == 200, 30, "readiness")


@pytest.mark.usefixtures("processes")
def test_runserver_serves_the_same(tmp_path: Path) -> None:
    env = environment(tmp_path, {})
    run_manage(["migrate", "--verbosity=0"], env)
    address = f"127.0.0.1:{free_port()}"
    log = tmp_path / "runserver.log"
    with log.open("wb") as output:
        command = [sys.executable, "manage.py", "runserver", "--noreload", address]
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)
    try:
        wait_until(lambda: is_open(address), 60, "runserver")
        page = httpx.get(f"http://{address}/accounts/login/")
        assert page.status_code == 200
        sheets = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
        assert sheets
        assert all(httpx.get(f"http://{address}{sheet}").status_code == 200 for sheet in sheets)
        assert httpx.get(f"http://{address}/healthz").text == "ok"
        assert "Traceback" not in log.read_text()
    finally:
        running.kill()
        running.wait()


def is_open(address: str) -> bool:
    """Return whether somebody listens there."""
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_all_addresses_of_a_host_share_a_port() -> None:
    listeners = bind("localhost", 0)
    try:
        assert len({listener.getsockname()[1] for listener in listeners}) == 1
        assert any(listener.family == socket.AF_INET for listener in listeners)
        assert address_of("localhost", listeners) == f"http://localhost:{listeners[0].getsockname()[1]}"
    finally:
        for listener in listeners:
            listener.close()


def test_the_address_of_an_ipv6_host_has_brackets() -> None:
    with socket.socket() as any_listener:
        any_listener.bind(("127.0.0.1", 0))
        assert address_of("::1", [any_listener]) == f"http://[::1]:{any_listener.getsockname()[1]}"
