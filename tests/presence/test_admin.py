"""The admin page "Who is online": what it shows, to whom, and disconnecting."""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from flowra.accounts.models import User
from presence.admin import USERS_PER_PAGE
from tests.conftest import Cast, make_user
from tests.presence.watched import Process, WatchedRegistry, start_process, watched_registry

PAGE = "/admin/presence/onlineuser/"
ROW = re.compile(r'<th scope="row">(.*?)</th>')


def read(client: Client, query: str = "") -> str:
    """Return the page, its white space made single spaces."""
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\xa0", " ").split())


def disconnect(client: Client, user: User, query: str = "") -> str:
    """Press somebody's button and return the page that follows."""
    answer = client.post(f"{PAGE}{user.pk}/disconnect/{query}", follow=True)
    assert answer.redirect_chain == [(PAGE + query, 302)]
    return " ".join(answer.content.decode().split())


def make_staff(user: User, *permissions: str) -> None:
    """Make somebody staff with these permissions and no others."""
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))


def make_people(number: int) -> list[User]:
    """Create so many people."""
    users = get_user_model()
    return users.objects.bulk_create(
        users(username=f"p{index:03}", display_name=f"Person {index:03}") for index in range(number)
    )


# --- What it shows ------------------------------------------------------------------------------


def test_index_leads_to_it(admin_client: Client, process: Process) -> None:
    for index in ("/admin/", "/admin/presence/"):
        page = admin_client.get(index).content.decode()
        assert f'<a href="{PAGE}">Who is online</a>' in page


def test_processes_and_who_is_connected_to_them(admin_client: Client, cast: Cast, process: Process) -> None:
    other = start_process(process.registry, "web2", 1002)
    process.hold(cast.owner, cast.member)
    other.hold(cast.member, connections=2)
    process.registry.now += 1.5
    page = read(admin_client)
    assert "<td>web1</td> <td>101</td> <td>1.2.3</td> <td>2027-01-15 08:00:00</td> <td>2</td> <td>13.5 s</td>" in page
    assert "<td>web2</td> <td>1002</td>" in page
    assert ROW.findall(page) == ["Mika", "Olga"]
    assert "2 users connected" in page
    assert "<td>mika</td> <td>3</td> <td> web1/101: 1, web2/1002: 2 </td>" in page


def test_nobody_yet(admin_client: Client, registry: WatchedRegistry) -> None:
    page = read(admin_client)
    assert "No process has registered." in page
    assert "Nobody is connected." in page


def test_search_by_name_and_username(admin_client: Client, cast: Cast, process: Process) -> None:
    emile = make_user("e.zola", "Émile Zola")
    process.hold(cast.owner, cast.member, emile)
    for query, names in (("?q=OLG", ["Olga"]), ("?q=+mika+", ["Mika"]), ("?q=émile", ["Émile Zola"]), ("?q=%25", [])):
        assert ROW.findall(read(admin_client, query)) == names
    assert ROW.findall(read(admin_client, "?q=zola")) == ["Émile Zola"]
    assert "Nobody with that name is connected." in read(admin_client, "?q=nobody")
    assert "&lt;b&gt;" in read(admin_client, "?q=<b>")


def test_pages_of_a_hundred(admin_client: Client, process: Process) -> None:
    people = make_people(2 * USERS_PER_PAGE + 1)
    process.hold(*people)
    first = read(admin_client, "?q=person")
    assert ROW.findall(first) == [user.display_name for user in people[:USERS_PER_PAGE]]
    assert "Page 1 of 3" in first
    assert 'href="?q=person&amp;p=2" rel="next"' in first
    last = read(admin_client, "?q=person&p=3")
    assert ROW.findall(last) == [people[-1].display_name]
    assert 'rel="prev"' in last
    assert 'rel="next"' not in last
    for odd in ("?p=0", "?p=99", "?p=x"):
        assert 1 <= len(ROW.findall(read(admin_client, odd))) <= USERS_PER_PAGE


def test_it_takes_the_same_number_of_queries_whatever_its_length(admin_client: Client, process: Process) -> None:
    people = make_people(150)
    read(admin_client)
    counts = []
    for number in (1, 150):
        process.hold(*people[:number])
        calls = process.registry.calls
        with CaptureQueriesContext(connection) as queries:
            read(admin_client)
        counts.append((len(queries), process.registry.calls - calls))
    assert counts[0] == counts[1]
    assert counts[0][1] == 1


def test_it_is_clean_under_the_policy(admin_client: Client, cast: Cast, process: Process) -> None:
    process.hold(cast.owner, *make_people(101))
    html = admin_client.get(PAGE).content.decode()
    assert not re.findall(r"<script(?![^>]*\b(?:src|type=.application/json))[^>]*>", html)
    assert not re.findall(r"<[^>]+\s(?:style|on[a-z]+)=", html)
    assert "<style" not in html


def test_names_are_text(admin_client: Client, cast: Cast, process: Process) -> None:
    cast.owner.display_name = "<i>Olga</i>"
    cast.owner.save()
    process.hold(cast.owner)
    assert "<i>Olga" not in read(admin_client)
    assert "<i>Olga" not in disconnect(admin_client, cast.owner)


def test_registry_that_is_unavailable(admin_client: Client, cast: Cast, process: Process) -> None:
    process.registry.is_unavailable = True
    assert "The registry does not answer" in read(admin_client)
    assert "nobody was disconnected" in disconnect(admin_client, cast.owner)
    assert not LogEntry.objects.exists()


def test_switched_off(admin_client: Client, cast: Cast, process: Process, settings: Settings) -> None:
    process.hold(cast.owner)
    settings.FLOWRA_PRESENCE_ENABLED = False
    page = read(admin_client)
    assert "Presence is switched off" in page
    assert "Olga" not in page
    assert "nobody was disconnected" in disconnect(admin_client, cast.owner)
    assert process.registry.reap(process.info.incarnation).kicked == []


# --- Disconnecting ------------------------------------------------------------------------------


def test_disconnecting_tells_every_process_and_is_logged(admin_client: Client, cast: Cast, process: Process) -> None:
    other, idle = start_process(process.registry, "web2"), start_process(process.registry, "web3")
    process.hold(cast.owner, cast.member)
    other.hold(cast.member)
    assert f"/{cast.member.pk}/disconnect/?q=mi" in read(admin_client, "?q=mi")
    page = disconnect(admin_client, cast.member, "?q=mi")
    assert "2 processes were told to disconnect Mika." in page
    kicked = [process.registry.reap(each.info.incarnation).kicked for each in (process, other, idle)]
    assert kicked == [[cast.member.pk], [cast.member.pk], []]
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (str(cast.member.pk), "Disconnected.")
    assert entry.content_type is not None
    assert entry.content_type.model == "user"
    assert "1 process was told to disconnect Olga." in disconnect(admin_client, cast.owner)


def test_who_has_no_connections_is_no_entry_in_the_log(admin_client: Client, cast: Cast, process: Process) -> None:
    assert "Otto has no connections any more." in disconnect(admin_client, cast.outsider)
    assert not LogEntry.objects.exists()


def test_page_says_how_to_keep_somebody_out(client: Client, cast: Cast, process: Process) -> None:
    process.hold(cast.owner)
    make_staff(cast.owner, "change_lastseen")
    client.force_login(cast.owner)
    assert "To keep somebody out, they have to be deactivated" in read(client)
    make_staff(cast.owner, "change_lastseen", "view_user")
    assert 'sign them out everywhere: both are actions in the <a href="/admin/accounts/user/">' in read(client)


def test_looking_and_disconnecting_need_permission(client: Client, cast: Cast, process: Process) -> None:
    process.hold(cast.member)
    address = f"{PAGE}{cast.member.pk}/disconnect/"
    client.force_login(cast.owner)
    assert client.get(PAGE).headers["Location"].startswith("/admin/login/")
    assert client.post(address).headers["Location"].startswith("/admin/login/")
    make_staff(cast.owner)
    assert client.get(PAGE).status_code == 403
    assert "Who is online" not in client.get("/admin/").content.decode()
    make_staff(cast.owner, "view_lastseen")
    page = read(client)
    assert ROW.findall(page) == ["Mika"]
    assert "Disconnect" not in page
    assert client.post(address).status_code == 403
    assert process.registry.reap(process.info.incarnation).kicked == []
    make_staff(cast.owner, "change_lastseen")
    assert "1 process was told" in disconnect(client, cast.member)


def test_disconnecting_is_a_post_with_a_token_for_somebody_there_is(admin_user: User, cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    address = f"{PAGE}{cast.member.pk}/disconnect/"
    with watched_registry() as registry:
        start_process(registry).hold(cast.member)
        assert client.get(address).status_code == 405
        assert client.post(address).status_code == 403
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', read(client))
        assert token is not None
        data = {"csrfmiddlewaretoken": token[1]}
        assert client.post(f"{PAGE}{admin_user.pk}/disconnect/", data).status_code == 302
        assert client.post(f"{PAGE}01890000-0000-7000-8000-000000000000/disconnect/", data).status_code == 404
        assert client.post(PAGE, data).status_code == 405
        assert client.post(address, data).status_code == 302
