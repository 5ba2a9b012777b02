"""deploy/ against the project: what its files name exists, and what they promise holds."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.support.processes import ROOT, Server

DEPLOY = ROOT / "deploy"
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
UNITS = sorted((DEPLOY / "systemd").iterdir())


def known_settings() -> set[str]:
    """Return the names in the table of docs/operations.md, which is held to flowra/settings.py elsewhere."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", OPERATIONS, re.MULTILINE))


def environment_of(lines: str) -> dict[str, str]:
    """Return the NAME=value lines of an environment file."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", lines, re.MULTILINE))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


# --- Metrics --------------------------------------------------------------------------------------


def exposed(server: Server) -> set[str]:
    """Return the names of all series that /metrics of a running server tells of, or will once there is something."""
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", httpx.get(f"{server.base_url}/metrics").text, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return names


def metrics_in(expression: str) -> set[str]:
    """Return the metrics that an expression of PromQL names."""
    without_labels = re.sub(r"\{[^}]*\}|\bby \([^)]*\)", "", expression)
    return set(re.findall(r"\b(?:flowra|process)_\w+", without_labels))


def dashboard_expressions() -> list[str]:
    panels = json.loads((DEPLOY / "grafana" / "flowra.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_dashboard_and_alerts_name_metrics_that_exist(server: Server) -> None:
    expressions = dashboard_expressions() + [rule["expr"] for rule in alerts()]
    named = set.union(*map(metrics_in, expressions))
    assert len(named) > 20
    assert named - exposed(server) == set()


def test_the_dashboard_shows_every_metric_of_flowras(server: Server) -> None:
    shown = set.union(*map(metrics_in, dashboard_expressions()))
    # A histogram is shown by its buckets.
    own = {name for name in exposed(server) if name.startswith("flowra_")}
    own = {name for name in own if not name.endswith(("_sum", "_count"))}
    assert own - shown == set()


def test_names_follow_prometheus(server: Server) -> None:
    text = httpx.get(f"{server.base_url}/metrics").text
    for name, kind in re.findall(r"^# TYPE (flowra_\S+) (\S+)$", text, re.MULTILINE):
        if kind == "counter":
            assert name.endswith("_total")
        elif kind == "histogram":
            assert name.endswith("_seconds")


def test_alerts_say_what_and_how_bad() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} == rule["annotations"].keys()


# --- Compose and the image ------------------------------------------------------------------------


def test_compose_sets_what_exists_and_runs_what_exists(compose: dict[str, Any]) -> None:
    offered = environment_of((DEPLOY / "env.example").read_text())
    assert offered.keys() - known_settings() == {"POSTGRES_PASSWORD"}
    wanted = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert wanted <= offered.keys()
    for name in ("app-1", "app-2", "migrate"):
        service = compose["services"][name]
        assert service["environment"].keys() - known_settings() == set()
        command = service.get("command", ["python", "manage.py", "serve"])
        assert command[:2] == ["python", "manage.py"]
        assert command[2] in get_commands()
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_compose_waits_for_health_and_lets_servers_drain(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name in ("app-1", "app-2"):
        assert services[name]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "valkey": {"condition": "service_healthy"},
        }
        drain = float(services[name]["environment"]["FLOWRA_DRAIN_SECONDS"])
        assert float(services[name]["stop_grace_period"].removesuffix("s")) > drain
    for name in ("postgres", "valkey"):
        assert "test" in services[name]["healthcheck"]
    assert "noeviction" in services["valkey"]["command"]
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    for volume in services["nginx"]["volumes"]:
        source = volume.split(":")[0]
        assert (DEPLOY / source).exists() or source == "./tls"


@pytest.mark.usefixtures("processes")
def test_what_compose_gives_the_servers_makes_sense(compose: dict[str, Any], tmp_path: Path) -> None:
    filled = {
        **environment_of((DEPLOY / "env.example").read_text()),
        **compose["services"]["app-1"]["environment"],
        "SECRET_KEY": "a-long-and-random-key-of-50-or-more-characters-0123456789",
        "FLOWRA_DATA_DIR": str(tmp_path),
    }
    filled["DATABASE_URL"] = re.sub(r"\$\{.*?\}", "secret", filled["DATABASE_URL"])
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=filled, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_is_built_from_what_is_there() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    version = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.findall(r"uv==(\S+)", dockerfile) == version
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignored
    assert re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE) == ["flowra"]
    assert "--require-hashes" in dockerfile
    assert "/healthz" in dockerfile


def test_nginx_keeps_a_quiet_socket_longer_than_the_ping() -> None:
    config = (DEPLOY / "nginx.conf").read_text()
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", config)
    assert int(seconds) > settings.FLOWRA_PING_INTERVAL


def test_nginx_puts_no_server_aside() -> None:
    """What that would do to people with idle pages is seen in tests/cluster/stop/test_rolling_restart.py."""
    config = (DEPLOY / "nginx.conf").read_text()
    servers = re.findall(r"^ +server ((?:app-\d|\d).*);$", config, re.MULTILINE)
    assert len(servers) == 2
    assert all("max_fails=0" in server.split() for server in servers)


def test_servers_serve_on_until_nginx_knows_that_the_one_restarted_before_is_back(compose: dict[str, Any]) -> None:
    config, unit = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "systemd" / "flowra@.service").read_text()
    aside = max(map(int, re.findall(r"fail_timeout=(\d+)s;", config)))
    (hold,) = re.findall(r"^Environment=FLOWRA_DRAIN_HOLD=(\d+)$", unit, re.MULTILINE)
    holds = {compose["services"][name]["environment"]["FLOWRA_DRAIN_HOLD"] for name in ("app-1", "app-2")} | {hold}
    assert all(float(hold) > aside for hold in holds)


@pytest.mark.usefixtures("processes")
def test_the_nginx_of_a_machine_without_docker_names_nothing_of_containers(tmp_path: Path) -> None:
    """The command of docs/operations.md: Debian's unit waits for its pid file, its /dev/stdout is no file."""
    (command,) = re.findall(r"^ +sed -e 's\|app-1.*?nginx\.conf$", OPERATIONS, re.MULTILINE | re.DOTALL)
    script = command.replace("/etc/nginx/nginx.conf", str(tmp_path / "nginx.conf"))
    subprocess.run(["sh", "-e", "-c", script], cwd=ROOT, check=True, timeout=30)
    config = (tmp_path / "nginx.conf").read_text()
    assert re.findall(r"server (127\.0\.0\.1:\d+) ", config) == ["127.0.0.1:8000", "127.0.0.1:8001"]
    assert "pid /run/nginx.pid;" in config
    assert not re.findall(r"app-\d:|/dev/|/tmp/", config)


# --- systemd --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("processes")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """systemd itself reads them, with this project in the place of /opt/flowra."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not there. Debian and Ubuntu: apt-get install systemd"
    for unit in UNITS:
        text = unit.read_text().replace("/opt/flowra/.venv/bin/python", sys.executable)
        name = unit.name.replace("@.", "@8000.")
        (tmp_path / name).write_text(text.replace("/opt/flowra", str(ROOT)))
    names = [str(path) for path in sorted(tmp_path.iterdir())]
    command = [program, "verify", "--man=no", *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_units_run_commands_that_exist_and_may_do_little(unit: Path) -> None:
    text = unit.read_text()
    commands = re.findall(r"^ExecStart=/opt/flowra/.venv/bin/python manage.py (\w+)", text, re.MULTILINE)
    assert commands
    assert set(commands) <= get_commands().keys()
    for line in ("NoNewPrivileges=true", "ProtectSystem=strict", "CapabilityBoundingSet=", "User=flowra"):
        assert line in text.splitlines()
    names = re.findall(r"([A-Z_]+)=", " ".join(re.findall(r"^Environment=(.*)$", text, re.MULTILINE)))
    assert set(names) - known_settings() <= {"MALLOC_ARENA_MAX"}


def test_what_a_peak_has_taken_is_given_back() -> None:
    for path in (DEPLOY / "Dockerfile", DEPLOY / "systemd" / "flowra@.service"):
        assert "MALLOC_ARENA_MAX=2" in path.read_text()


def test_nginx_bounds_what_one_address_may_have_and_leaves_sockets_alone() -> None:
    config = (DEPLOY / "nginx.conf").read_text()
    locations = dict(re.findall(r"^ {8}location (\S+) \{\n(.*?)^ {8}\}", config, re.MULTILINE | re.DOTALL))
    assert {place for place, text in locations.items() if "limit_conn " in text} == {"/", "/static/"}
    assert re.search(r"^ +proxy_max_temp_file_size \d+m;$", config, re.MULTILINE)


def test_systemd_lets_servers_drain() -> None:
    (seconds,) = re.findall(r"^TimeoutStopSec=(\d+)$", (DEPLOY / "systemd" / "flowra@.service").read_text(), re.M)
    assert int(seconds) > settings.FLOWRA_DRAIN_SECONDS
