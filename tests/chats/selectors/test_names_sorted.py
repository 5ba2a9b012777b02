"""Names are found and sorted without case and accents, the same in all lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from chats import services
from chats.models import Chat, Workspace
from chats.search.folding import fold, name_key
from chats.selectors.chats import list_members, search_chats
from chats.selectors.workspaces import list_people, list_workspace_members
from chats.services.indexing.backfill import fill_all_keys
from chats.views.shell import build_shell
from presence.selectors import show_presence
from tests.conftest import Cast, make_user
from tests.support.processes import ROOT

CASES: dict[str, Any] = json.loads((ROOT / "tests" / "cases" / "folding.json").read_text())


@pytest.mark.parametrize(("one", "other"), CASES["equal"])
def test_these_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), CASES["different"])
def test_these_are_not(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize(("name", "key"), CASES["keys"])
def test_keys_of_names(name: str, key: str) -> None:
    assert name_key(name) == key


def test_folding_twice_changes_nothing() -> None:
    for text in (text for pair in CASES["equal"] for text in pair):
        assert fold(fold(text)) == fold(text)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES["names"], ids=lambda case: case["name"])
def test_people_are_found(cast: Cast, case: dict[str, Any]) -> None:
    person = make_user(case["username"], display_name=case["name"])
    services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
    for query in case["found"]:
        assert person in list_people(cast.owner, query), query
    for query in case["missed"]:
        assert person not in list_people(cast.owner, query), query


@pytest.mark.django_db
def test_chats_are_found_by_title_and_by_the_other_person(cast: Cast) -> None:
    membership, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="bug", title="Über-Größe der Łódź-Karte"
    )
    for query in ("uber", "grosse karte", "LODZ", "über größe"):
        assert [row.chat_id for row in search_chats(cast.owner, query)] == [membership.chat_id], query
    for query in ("ber", "uber x", "!", "%"):
        assert not search_chats(cast.owner, query), query
    direct, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", member_ids=[cast.member.pk]
    )
    cast.member.display_name = "Mika Jørgensen"
    cast.member.save(update_fields=["display_name"])
    assert [row.chat_id for row in search_chats(cast.owner, "jorg mika")] == [direct.chat_id]


@pytest.fixture
def crowd(cast: Cast) -> list[str]:
    """Give the names of a crowd in a chat, in order."""
    names: list[str] = CASES["sorted"]
    for number, name in enumerate(sorted(names, reverse=True)):
        person = make_user(f"person{number}", display_name=name)
        services.moderate_add_workspace_member(workspace_id=cast.workspace.pk, user_id=person.pk, role="member")
        services.add_chat_members(user=cast.owner, chat_id=cast.chat.pk, user_ids=[person.pk])
    return names


@pytest.mark.django_db
def test_lists_are_sorted_alike(cast: Cast, crowd: list[str]) -> None:
    def crowd_of(names: list[str]) -> list[str]:
        return [name for name in names if name in crowd]

    assert crowd_of([row.user.display_name for row in list_workspace_members(cast.workspace)]) == crowd
    assert crowd_of([row.user.display_name for row in list_members(cast.chat)]) == crowd
    assert crowd_of([person.display_name for person in list_people(cast.owner)]) == crowd
    assert crowd_of([member.display_name for member in show_presence(cast.chat).members]) == crowd


@pytest.mark.django_db
def test_chats_and_workspaces_are_sorted_in_the_sidebar(cast: Cast) -> None:
    titles: list[str] = CASES["sorted"]
    for title in sorted(titles, reverse=True):
        services.create_chat(user=cast.owner, workspace_id=cast.workspace.pk, kind="discussion", title=title)
        services.create_workspace(user=cast.owner, name=title)
    shell = build_shell(cast.owner, workspace_id=cast.workspace.pk)
    assert [room.label for room in shell.open_rooms if room.own_section == "chats"] == titles
    names = [entry.membership.workspace.name for entry in shell.workspaces]
    assert [name for name in names if name in titles] == titles


@pytest.mark.django_db
def test_a_key_follows_its_name_whatever_changes_it(cast: Cast) -> None:
    users = get_user_model().objects

    def key() -> str:
        return users.values_list("name_key", flat=True).get(pk=cast.owner.pk)

    cast.owner.display_name = "Ärzte"
    cast.owner.save(update_fields=["display_name"])
    assert key() == "arzte"
    users.filter(pk=cast.owner.pk).update(display_name="Zoë")
    assert key() == "zoe"
    cast.owner.display_name = "Łódź"
    users.bulk_update([cast.owner], ["display_name"])
    assert key() == "lodz"
    services.rename_chat(user=cast.owner, chat_id=cast.chat.pk, title="Größe")
    assert Chat.objects.get().title_key == "grosse"
    services.rename_workspace(user=cast.owner, workspace_id=cast.workspace.pk, name="Ægir")
    assert Workspace.objects.get(pk=cast.workspace.pk).name_key == "aegir"


@pytest.mark.django_db
def test_keys_that_an_older_server_left_behind_are_filled(cast: Cast) -> None:
    get_user_model().objects.update(name_key="")
    Chat.objects.update(title_key="other")
    assert fill_all_keys() == 4
    assert Chat.objects.get().title_key == name_key(Chat.objects.get().title)
    assert fill_all_keys() == 0
