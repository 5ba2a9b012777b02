"""Who may open a socket, and how everybody else learns why not."""

from __future__ import annotations

import base64
import json
import time

import httpx
import pytest
import websockets

from tests.realtime.conftest import Scene
from tests.support.clients import Person, Socket, open_socket
from tests.support.processes import Server

UNAUTHENTICATED = 4401


async def code_of(base_url: str, **options: object) -> int:
    """Return the code with which the server closes a socket after accepting it."""
    return await Socket(await open_socket(base_url, **options)).closed()


async def refused_with(base_url: str, **options: object) -> int:
    """Return the HTTP status with which the server refuses the upgrade."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        await open_socket(base_url, **options)
    return caught.value.response.status_code


def session_of(base_url: str, username: str) -> str:
    """Sign in at the page's form and return the Cookie header of the session."""
    with httpx.Client(base_url=base_url) as browser:
        browser.get("/accounts/login/")
        form = {"username": username, "password": "demo", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        answer = browser.post("/accounts/login/", data=form)
        assert answer.status_code == 302, answer.text
        return f"sessionid={browser.cookies['sessionid']}"


async def test_the_first_frame_is_a_complete_welcome(scene: Scene) -> None:
    async with await scene.john.connect() as socket:
        welcome = socket.welcome
    assert welcome["user_id"] == scene.john.id
    assert welcome["display_name"] == "John Smith"
    assert welcome["connection_id"]
    assert welcome["server_time"].endswith("Z")
    assert (welcome["ping_interval"], welcome["pong_timeout"], welcome["typing_timeout"]) == (30, 60, 3)
    assert "background" in welcome["features"]
    async with httpx.AsyncClient() as http:
        page = (await http.get(f"{scene.john.base_url}/accounts/login/")).text
    assert f' data-static-version="{welcome["version"]}"' in page
    assert (welcome["presence_enabled"], welcome["typing_enabled"]) == (True, True)


async def test_a_browser_session_opens_a_socket_from_its_own_host_only(demo_server: Server) -> None:
    cookie = {"Cookie": session_of(demo_server.base_url, "john")}
    async with Socket(
        await open_socket(demo_server.base_url, additional_headers=cookie, origin=demo_server.base_url)
    ) as socket:
        assert (await socket.receive())["display_name"] == "John Smith"
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", f"{demo_server.base_url}.evil.example", None):
        assert await refused_with(demo_server.base_url, additional_headers=cookie, origin=origin) == 403


async def test_a_token_in_the_subprotocol_needs_an_allowed_origin_and_is_not_echoed(scene: Scene) -> None:
    base_url = scene.john.base_url
    offer = {"subprotocols": ["flowra.v1", f"bearer.{scene.john.token}"]}
    connection = await open_socket(base_url, origin=base_url, **offer)
    assert connection.subprotocol == "flowra.v1"
    async with Socket(connection) as socket:
        assert (await socket.receive())["user_id"] == scene.john.id
    assert await refused_with(base_url, origin="https://evil.example", **offer) == 403


async def test_a_token_in_a_header_needs_no_origin(scene: Scene) -> None:
    async with await scene.john.connect(origin="https://elsewhere.example") as socket:
        assert socket.welcome["user_id"] == scene.john.id


def forge(token: str, **claims: object) -> str:
    """Return `token` with other claims and a signature that does not fit, or none at all."""
    header, payload, signature = token.split(".")
    data = json.loads(base64.urlsafe_b64decode(payload + "=="))
    data.update(claims)
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("="), signature])


async def test_bad_credentials_are_accepted_and_then_closed_with_4401(scene: Scene) -> None:
    base_url, token = scene.john.base_url, scene.john.token
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    bad_tokens = [
        "nonsense",
        "a.b.c",
        token[:-2],
        forge(token, user_id=scene.bob.id),
        forge(token, exp=int(time.time()) + 10**6),
        f"{unsigned}.{token.split('.')[1]}.",
        "\N{SNOWMAN}".encode().decode("latin-1"),
    ]
    assert await code_of(base_url) == UNAUTHENTICATED
    for bad in bad_tokens:
        assert await code_of(base_url, additional_headers={"Authorization": f"Bearer {bad}"}) == UNAUTHENTICATED
    cookie = {"Cookie": "sessionid=forged"}
    assert await code_of(base_url, additional_headers=cookie, origin=base_url) == UNAUTHENTICATED


async def test_a_refresh_token_opens_nothing(scene: Scene) -> None:
    async with httpx.AsyncClient(base_url=f"{scene.john.base_url}/api/v1") as http:
        answer = await http.post("/auth/token", json={"username": "john", "password": "demo"})
    header = {"Authorization": f"Bearer {answer.json()['refresh']}"}
    assert await code_of(scene.john.base_url, additional_headers=header) == UNAUTHENTICATED


async def test_a_token_in_the_address_counts_for_nothing(scene: Scene) -> None:
    url = scene.john.base_url.replace("http", "ws", 1) + f"/ws/?token={scene.john.token}"
    assert await Socket(await websockets.connect(url, proxy=None)).closed() == UNAUTHENTICATED


async def test_there_is_no_socket_elsewhere(scene: Scene) -> None:
    with pytest.raises(websockets.InvalidStatus) as caught:
        await websockets.connect(scene.john.base_url.replace("http", "ws", 1) + "/ws/elsewhere", proxy=None)
    assert caught.value.response.status_code == 404


@pytest.mark.usefixtures("processes")
async def test_one_user_has_a_bounded_number_of_sockets() -> None:
    with Server({"FLOWRA_CONNECTIONS_PER_USER": "2"}, demo=True) as server:
        john = await Person.sign_in(server.base_url, "john")
        async with await john.connect(), await john.connect():
            header = {"Authorization": f"Bearer {john.token}"}
            assert await code_of(server.base_url, additional_headers=header) == 1013
        async with await john.connect() as again:
            assert again.welcome


@pytest.mark.usefixtures("processes")
async def test_a_token_that_expires_closes_the_socket_unless_auth_brings_a_fresh_one() -> None:
    with Server({"FLOWRA_ACCESS_TOKEN_SECONDS": "7"}, demo=True) as server:
        john, jane = [await Person.sign_in(server.base_url, name) for name in ("john", "jane")]
        expires, renews = await john.connect(), await john.connect()
        began = time.monotonic()
        error = await renews.ask("auth", token=jane.token)
        assert (error["code"], error["field"]) == ("invalid", "token")
        assert (await renews.ask("auth", token="nonsense"))["code"] == "invalid"
        while time.monotonic() < began + 2:  # a later expiry than the first token's
            fresh = await Person.sign_in(server.base_url, "john")
        ack = await renews.ask("auth", token=fresh.token)
        assert ack["action"] == "authenticated"
        assert ack["expires_at"].endswith("Z")
        assert await expires.closed() == UNAUTHENTICATED
        first_gone = time.monotonic()
        assert (await renews.ask("ping"))["type"] == "pong"
        assert await renews.closed() == UNAUTHENTICATED
        assert time.monotonic() > first_gone
