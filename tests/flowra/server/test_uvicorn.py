"""What is used of uvicorn although it does not document it, in which versions."""

from __future__ import annotations

import ast
import asyncio
import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from flowra.server.http_protocol import BoundedHttpProtocol
from realtime.outbox.uvicorn_protocol import PreframedProtocol

PROJECT = Path(__file__).parents[3]
SUPPORTED = "0.54"  # as in pyproject.toml; another version may want other protocols
PRIVATE: dict[Any, set[str]] = {
    PreframedProtocol: {
        *("run_asgi", "send", "handle_ping", "handle_pong", "handle_cont"),
        *("config", "scope", "conn", "handshake_complete"),
    },
    BoundedHttpProtocol: {"on_response_complete", "handle_websocket_upgrade", "app", "scope", "transport"},
}
PUBLIC = {name for base in asyncio.Protocol.__mro__ for name in vars(base)} | {"on_headers_complete"}  # of httptools
BASES = {PreframedProtocol: WebSocketsSansIOProtocol, BoundedHttpProtocol: HttpToolsProtocol}


def test_the_version_is_one_that_has_them() -> None:
    advice = f"Read both protocols against uvicorn {uvicorn.__version__}, then change SUPPORTED and pyproject.toml."
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert f"uvicorn~={SUPPORTED}.0" in project["dependencies"], advice
    assert uvicorn.__version__.startswith(f"{SUPPORTED}."), advice


@pytest.mark.parametrize("protocol", PRIVATE)
def test_uvicorn_has_the_names_that_are_used(protocol: Any) -> None:
    base = BASES[protocol]
    source = inspect.getsource(base)
    gone = {name for name in PRIVATE[protocol] if name not in vars(base) and f"self.{name}" not in source}
    assert not gone, f"uvicorn {uvicorn.__version__} has no {', '.join(sorted(gone))} for {protocol.__name__} any more."


@pytest.mark.parametrize("protocol", PRIVATE)
def test_no_others_are_used(protocol: Any) -> None:
    base = BASES[protocol]
    class_node = ast.parse(inspect.getsource(protocol)).body[0]
    assert isinstance(class_node, ast.ClassDef)
    used = {node.name for node in class_node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    used |= {
        node.attr
        for node in ast.walk(class_node)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    of_base = vars(base).keys() | {name for name in used if f"self.{name}" in inspect.getsource(base)}
    assert (used & of_base) - PUBLIC - {"__init__"} == PRIVATE[protocol]


def test_a_protocol_may_be_given_as_a_class() -> None:
    config = uvicorn.Config("flowra.asgi:application", ws=PreframedProtocol, http=BoundedHttpProtocol, log_config=None)
    assert config.ws is PreframedProtocol
    assert config.http is BoundedHttpProtocol
