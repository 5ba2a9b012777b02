"""The parser that benchmarks read a server's frames with: whatever pieces TCP brings, the same frames come out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.load.flowra_sockets import CLOSE, CONTINUATION, PING, TEXT, FrameReader, SocketFault

# Around the limits of the three forms of a length.
SIZES = st.sampled_from((0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 70_000))


def server_frame(payload: bytes, opcode: int = TEXT, *, is_final: bool = True) -> bytes:
    """Return a frame as RFC 6455, 5.2 draws it, unmasked; not with the code under test."""
    head = bytes([(0x80 if is_final else 0) | opcode])
    size = len(payload)
    if size < 126:
        return head + bytes([size]) + payload
    if size < 2**16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


def pieces_of(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return `data` cut at these places, modulo its length."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def read(pieces: list[bytes]) -> list[tuple[int, bytes]]:
    """Return all that one reader makes of the pieces."""
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


@given(sizes=st.lists(SIZES, max_size=5), cuts=st.lists(st.integers(0, 2**20), max_size=12))
@example(sizes=[126, 65_536, 1], cuts=list(range(20)))
def test_frames_come_out_whole_however_tcp_cuts_them(sizes: list[int], cuts: list[int]) -> None:
    payloads = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    data = b"".join(server_frame(payload) for payload in payloads)
    assert read(pieces_of(data, cuts)) == [(TEXT, payload) for payload in payloads]


@given(cuts=st.lists(st.integers(0, 100), max_size=5))
def test_a_message_in_fragments_is_one_and_a_ping_may_come_in_between(cuts: list[int]) -> None:
    data = (
        server_frame(b"one, ", is_final=False)
        + server_frame(b"?", PING)
        + server_frame(b"two, ", CONTINUATION, is_final=False)
        + server_frame(b"three", CONTINUATION)
        + server_frame(b"\x03\xe8", CLOSE)
    )
    assert read(pieces_of(data, cuts)) == [(PING, b"?"), (TEXT, b"one, two, three"), (CLOSE, b"\x03\xe8")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xc1\x01x", id="reserved bit"),
        pytest.param(b"\x81\x81\0\0\0\0x", id="masked"),
        pytest.param(server_frame(b"x", CONTINUATION), id="continues nothing"),
        pytest.param(server_frame(b"x", is_final=False) + server_frame(b"y"), id="unfinished message"),
        pytest.param(server_frame(b"x", PING, is_final=False), id="control frame in fragments"),
        pytest.param(server_frame(b"x" * 126, PING), id="control frame too long"),
        pytest.param(server_frame(b"x", 3), id="unknown opcode"),
        pytest.param(server_frame(b"x", 11), id="unknown control opcode"),
    ],
)
def test_what_no_server_may_send_is_an_error(data: bytes) -> None:
    with pytest.raises(SocketFault):
        read([data])
