"""The benchmarks' own honesty: what the load client counts, what it must notice, what is said about what is missing."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from benchmarks.__main__ import SCENARIOS
from benchmarks.load import burst, client, jobs
from benchmarks.load.churn import Churn, ChurnJob
from benchmarks.load.client import Job, Load, LoadReport
from benchmarks.load.dialects import FrameError, Frames, client_frame, dialect_of_room
from benchmarks.load.jobs import CountError
from benchmarks.measuring import cpu_seconds, percentile
from benchmarks.report import markdown
from benchmarks.report.goals import goals_table
from benchmarks.report.results import Bars, Plot, Result, Table
from benchmarks.report.rounds import Field
from benchmarks.scenarios import rooms
from benchmarks.setup import peers
from benchmarks.setup.peers import Peer
from benchmarks.setup.running import Measured, MeasurementFailed, Running, serving
from realtime.outbox.frame import text_frame
from tests.support.processes import free_port

SOCKETS = 5
LOADS = [Load(name="single", in_flight=1, seconds=0.1), Load(name="busy", in_flight=8, seconds=0.1)]
# Given an event's number and a socket's, which texts go to that socket.
Fault = Callable[[int, int, str], list[str]]


@pytest.fixture(scope="module")
def ours(processes: None) -> Iterator[Running]:
    """Give Flowra's server as it is measured."""
    with serving(peers.OURS) as running:
        yield running


def job(ports: list[int], dialect: str, *, patience: float = 10.0, pids: list[int] | None = None) -> Job:
    """Return a small job."""
    return Job(ports=ports, dialect=dialect, sockets=SOCKETS, loads=LOADS, pids=pids or [], patience=patience)


def assert_counts(running: Running, dialect: str) -> None:
    """Put both loads on a server and look at the figures."""
    reported = client.run(job(list(running.ports), dialect, pids=list(running.pids)))
    assert [load.name for load in reported.loads] == ["single", "busy"]
    for load in reported.loads:
        assert load.events > 5
        assert load.deliveries == load.events * SOCKETS
        assert 0 < load.p50 <= load.p99 < load.wall
        assert 0 < load.client_share <= 1.1
        # Processor time is counted in ticks of 10 ms, which on a tenth of a second is more than all cores can give.
        assert 0 <= load.others_share <= (os.cpu_count() or 1) * 1.5
        assert load.cpu[0] > 0
    assert reported.memory[0] > 1_000_000


def test_client_counts_ours(ours: Running) -> None:
    assert_counts(ours, "flowra")


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("peer", [peers.OURS_DAPHNE, peers.BROADCAST, peers.TEXTBOOK_UVICORN])
def test_client_counts(peer: Peer) -> None:
    with serving(peer) as running:
        assert_counts(running, peer.dialect)


def test_client_counts_rooms_and_who_comes_and_goes(ours: Running) -> None:
    loads = [
        Load(name="one", in_flight=2, seconds=0.1, rooms=1),
        Load(name="alone", in_flight=0, seconds=1.0, churn=20),
        Load(name="all", in_flight=2, seconds=1.0, churn=20),
    ]
    asked = Job(ports=ours.ports, dialect="flowra", sockets=SOCKETS, rooms=3, loads=loads, pids=ours.pids)
    one, alone, everywhere = client.run(asked).loads
    assert one.events > 5
    assert one.churn == 0
    assert (alone.events, alone.deliveries, alone.p99) == (0, 0, 0)
    assert 1 <= alone.churn <= 26  # what was served: a busy machine serves fewer than 20 a second
    assert everywhere.events > 15
    assert everywhere.deliveries == everywhere.events * SOCKETS
    assert 1 <= everywhere.churn <= 26


def test_a_server_of_one_room_is_not_asked_for_more() -> None:
    with pytest.raises(ValueError, match="has one room"):
        dialect_of_room("plain", 1)


@pytest.mark.usefixtures("processes")
def test_who_is_not_let_in_is_no_churn(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CountError, match="could not"), Churn(ChurnJob(ports=[free_port()], rate=20, rooms=1)):
        pass
    assert "ConnectionRefusedError" in capfd.readouterr().err


def test_churn_is_told_without_the_connections_own_cost() -> None:
    def measured(name: str, deliveries: int, cpu: float, churn: float) -> Measured:
        load = LoadReport(
            name=name,
            events=0,
            deliveries=deliveries,
            wall=2.0,
            cpu=[],
            client_share=0,
            others_share=0,
            p50=0,
            p99=0,
            churn=churn,
        )
        return Measured(load, cpu, 0)

    alone, both = measured("20/s alone", 0, 0.1, 20), measured("20/s", 300_000, 1.6, 20)
    build = rooms.Build(peers.OURS, [{"20/s alone": alone, "20/s": both}])
    assert build.gross("20/s") == pytest.approx([187.5])
    assert build.net(20) == pytest.approx([200])
    assert build.connection(20) == pytest.approx(0.0025)


def test_burst_counts_ours(ours: Running) -> None:
    asked = burst.BurstJob(ports=ours.ports, dialect="flowra", sockets=4, senders=3, events=60, quiet=0.3)
    counted = burst.run(asked)
    assert (counted.due, counted.arrived, counted.doubled, counted.unknown) == (60 * 7, 60 * 7, 0, 0)


# --- A server that makes mistakes ---------------------------------------------------------------


@contextmanager
def faulty_server(fault: Fault) -> Iterator[int]:
    """Give the port of a server that sends every text to everybody, but for what `fault` says."""
    members: list[ServerConnection] = []
    lock = threading.Lock()
    events = 0

    # Before the client is told that it is connected: a thread of its own may begin later than the first text comes.
    def join(connection: ServerConnection, request: Request, response: Response) -> None:
        with lock:
            members.append(connection)

    def handle(connection: ServerConnection) -> None:
        nonlocal events
        try:
            for text in connection:
                with lock:
                    events += 1
                    for place, member in enumerate(members):
                        for each in fault(events, place, str(text)):
                            member.send(each)
        except ConnectionClosed:
            pass

    with serve(handle, "127.0.0.1", 0, process_response=join, compression=None, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


FAULTS: dict[str, Callable[[str], list[str]]] = {
    "lost": lambda text: [],
    "doubled": lambda text: [text, text],
    "changed": lambda text: [text[:-1] + "y"],
    "shortened": lambda text: [text[:-1]],
}


def test_client_counts_a_server_that_makes_no_mistake() -> None:
    with faulty_server(lambda event, place, text: [text]) as port:
        assert client.run(job([port], "plain")).loads[1].events > 8


@pytest.mark.parametrize("place", [0, 1, 4], ids=["sender", "witness", "other"])
@pytest.mark.parametrize("kind", FAULTS)
def test_client_notices(kind: str, place: int) -> None:
    def fault(event: int, member: int, text: str) -> list[str]:
        return FAULTS[kind](text) if event == 12 and member == place else [text]

    with faulty_server(fault) as port, pytest.raises((CountError, FrameError)):
        client.run(job([port], "plain", patience=0.5))


def test_client_notices_a_change_that_no_other_socket_shows() -> None:
    def fault(event: int, member: int, text: str) -> list[str]:
        return FAULTS["changed"](text) if event == 12 and member == 1 else [text]

    with faulty_server(fault) as port, pytest.raises(CountError, match="Expected"):
        client.run(Job(ports=[port], dialect="plain", sockets=2, loads=LOADS))


def test_burst_counts_what_is_lost_and_doubled() -> None:
    def fault(event: int, member: int, text: str) -> list[str]:
        return {3: [], 5: [text, text], 7: ["other"]}.get(event, [text]) if member == 2 else [text]

    with faulty_server(fault) as port:
        counted = burst.run(
            burst.BurstJob(ports=[port], dialect="plain", sockets=3, senders=1, events=10, quiet=0.3),
        )
    assert (counted.due - counted.arrived, counted.doubled, counted.unknown) == (2, 1, 1)


def test_client_says_why_it_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with faulty_server(lambda event, place, text: []) as port:
        asked = Job(ports=[port], dialect="plain", sockets=2, loads=LOADS, patience=0.3)
        assert jobs.answer(client.run, Job, json.dumps(dataclasses.asdict(asked))) == 1
    assert "timed out" in capsys.readouterr().err


# --- Frames -------------------------------------------------------------------------------------


def test_frames_come_in_pieces() -> None:
    texts = ["", "short", "x" * 126, "ü" * 40_000]
    stream = b"".join(text_frame(text.encode()) for text in texts)
    ping = b"\x89\x02hi"
    frames = Frames()
    found: list[tuple[str, int]] = []
    for start in range(0, len(ping + stream), 7):
        frames.feed((ping + stream)[start : start + 7])
        found += frames.texts()
    assert [text for text, _ in found] == texts
    assert sum(size for _, size in found) == len(stream)
    assert frames.pongs == [client_frame("hi", 10)]
    assert frames.pending_bytes == 0


@pytest.mark.parametrize("data", [b"\x88\x02\x03\xf4", b"\xc1\x01x", b"\x01\x01x", b"\x81\x81abcd"])
def test_frames_refuse_what_is_not_measured(data: bytes) -> None:
    frames = Frames()
    frames.feed(data)
    with pytest.raises(FrameError):
        list(frames.texts())


# --- What is missing ----------------------------------------------------------------------------


def test_missing_programs_are_left_out_with_a_remark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found, remarks = peers.available([peers.OURS, peers.LIMIT, peers.SOCKET_IO, peers.WS])
    assert found == [peers.OURS]
    assert len(remarks) == 2
    assert "no gcc" in remarks[0]
    assert "no node" in remarks[1]


def test_goals_without_figures_are_not_measured() -> None:
    assert {row[2] for row in goals_table(Field()).rows} == {"not measured"}


@pytest.mark.usefixtures("processes")
def test_a_server_that_does_not_start_is_told_with_its_output() -> None:
    broken = Peer(title="broken", dialect="plain", command=lambda port: ["sh", "-c", "echo no luck; exit 3"])
    with pytest.raises(MeasurementFailed, match=r"(?s)broken.*ended with 3.*no luck"), serving(broken):
        pass


# --- Figures and the page -----------------------------------------------------------------------


def test_cpu_seconds_are_exact() -> None:
    before, own = cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - own < 0.05:
        pass
    assert 0.05 <= cpu_seconds(os.getpid()) - before < 0.5


def test_percentiles() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile(range(1, 101), 0.99) == 100
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_every_scenario_has_its_place_in_the_page() -> None:
    page = markdown.PAGE.read_text()
    for name in SCENARIOS:
        assert page.count(f"<!-- begin {name} -->") == page.count(f"<!-- end {name} -->") == 1


def test_results_are_written_between_their_marks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    monkeypatch.setattr(markdown, "DOCS", tmp_path)
    monkeypatch.setattr(markdown, "PAGE", page)
    page.write_text("before\n<!-- begin a -->\nold\n<!-- end a -->\nbetween\n<!-- begin b -->\n<!-- end b -->\nafter\n")
    lines = Plot("lines", "Lines", "x", "y", [1, 2], {"one": [1.0, None]})
    bars = Bars("bars", "Bars", ["first", "second"], {"one": [1.0, None], "two": [10.0, 100.0]}, is_logarithmic=True)
    result = Result(
        "a", [Table("T", ["name", "figure"], [["n", r"\1"]])], [lines, bars], ["A remark."], {"tool": "1.2"}
    )
    markdown.write_down(result)
    markdown.write_down(result)
    written = page.read_text()
    assert "old" not in written
    assert written.startswith("before\n<!-- begin a -->\n")
    assert written.endswith("<!-- end a -->\nbetween\n<!-- begin b -->\n<!-- end b -->\nafter\n")
    assert written.count("| n | \\1 |") == written.count("- A remark.") == written.count("tool 1.2") == 1
    for name in ("lines", "bars"):
        assert f"(benchmarks/{name}.svg)" in written
        assert "<svg" in (tmp_path / "benchmarks" / f"{name}.svg").read_text()


def test_results_without_a_place_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("nothing here\n")
    monkeypatch.setattr(markdown, "PAGE", page)
    with pytest.raises(ValueError, match="no place for a"):
        markdown.write_down(Result("a", []))
