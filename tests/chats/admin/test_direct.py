"""Direct messages in the admin: they are shown only by an action, and every reading is logged."""

from __future__ import annotations

import logging
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from chats import services
from chats.models import Chat, Mention, Message
from tests.chats.admin.pages import post, run, url
from tests.conftest import Cast, make_user

SECRET = "xyzzysecret"


@pytest.fixture
def whispered(cast: Cast) -> Message:
    """Give a direct message that answers another one and names its reader."""
    membership, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", title="", member_ids=[cast.member.pk]
    )
    first = services.post_message(
        user=cast.owner, chat_id=membership.chat_id, body=f"{SECRET} @mika", client_id=uuid.uuid4()
    ).message
    return services.post_message(
        user=cast.member,
        chat_id=membership.chat_id,
        body=f"{SECRET} too, @olga",
        client_id=uuid.uuid4(),
        reply_to_id=first.pk,
    ).message


def test_no_page_of_the_admin_shows_what_two_people_write(admin_client: Client, cast: Cast, whispered: Message) -> None:
    Mention.objects.get_or_create(message=whispered, user=cast.owner)
    mention = Mention.objects.filter(message=whispered).first()
    assert mention is not None
    run(admin_client, Message, "delete_messages", Message.objects.filter(chat=whispered.chat_id).order_by("seq")[0])
    for page in (
        "/admin/",
        url(Message),
        url(Message, "change", whispered.pk),
        url(Message, "history", whispered.pk),
        url(Mention),
        url(Mention, "change", mention.pk),
        url(Chat),
        url(Chat, "change", whispered.chat_id),
        url(Chat, "delete", whispered.chat_id),
    ):
        response = admin_client.get(page)
        assert response.status_code == 200, page
        assert SECRET not in response.content.decode(), page
    assert not LogEntry.objects.filter(object_repr__contains=SECRET).exists()


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Message, {"q": SECRET}),
        (Message, {"q": f"mika {SECRET}"}),
        (Message, {"body__startswith": SECRET[:3]}),
        (Message, {"html__contains": SECRET[:3]}),
        (Message, {"body__regex": "^x"}),
        (Mention, {"q": SECRET}),
        (Mention, {"message__body__startswith": SECRET[:3]}),
        (Message, {"reply_to__body__contains": SECRET[:3]}),
        (Chat, {"messages__body__contains": SECRET[:3]}),
    ],
)
def test_no_search_and_no_filter_tells_what_is_in_it(
    admin_client: Client, cast: Cast, whispered: Message, model: type[Model], query: dict[str, str]
) -> None:
    found = admin_client.get(url(model), query)
    assert found.status_code in (200, 302, 400)
    rows = f"/{whispered.pk}/change" if model is Message else f"/admin/chats/{model.__name__.lower()}/"
    assert rows not in found.content.decode().partition('id="result_list"')[2]


def test_direct_messages_are_found_by_author_and_id_and_others_by_text(
    admin_client: Client, cast: Cast, whispered: Message
) -> None:
    said = post(cast, "needle in the open")
    for query, expected in (
        ("mika", whispered),
        (str(whispered.pk), whispered),
        ("needle", said),
        ("olga needle", said),
    ):
        assert str(expected.pk) in admin_client.get(url(Message), {"q": query}).content.decode(), query


def test_reading_is_a_step_of_its_own_that_is_logged(
    admin_client: Client, admin_user: object, cast: Cast, whispered: Message, caplog: pytest.LogCaptureFixture
) -> None:
    open_message = post(cast, "said in the open")
    with caplog.at_level(logging.INFO, logger="flowra.audit"):
        page = run(admin_client, Message, "read_direct_messages", whispered, open_message)
    assert f"{SECRET} too" in page
    assert "said in the open" not in page
    entry = LogEntry.objects.get(object_id=str(whispered.pk))
    assert (entry.user, entry.change_message) == (admin_user, "Read the direct message.")
    assert not LogEntry.objects.filter(object_id=str(open_message.pk)).exists()
    assert "Read the direct message." in admin_client.get(url(Message, "history", whispered.pk)).content.decode()
    lines = [record for record in caplog.records if record.name == "flowra.audit"]
    assert [str(whispered.pk) in record.getMessage() for record in lines] == [True]
    assert SECRET not in caplog.text


def test_reading_needs_the_permission_to_see_messages(cast: Cast, whispered: Message) -> None:
    helper = make_user("hella")
    helper.is_staff = True
    helper.save()
    client = Client()
    client.force_login(helper)
    assert SECRET not in run(client, Message, "read_direct_messages", whispered)
    helper.user_permissions.set(Permission.objects.filter(codename="view_message"))
    assert SECRET in run(client, Message, "read_direct_messages", whispered)
    assert LogEntry.objects.filter(user=helper).count() == 1


def test_the_page_says_who_can_read_a_direct_chat(cast: Cast) -> None:
    membership, _ = services.create_chat(
        user=cast.owner, workspace_id=cast.workspace.pk, kind="direct", title="", member_ids=[cast.member.pk]
    )
    client = Client()
    client.force_login(cast.owner)
    page = client.get(reverse("chats:detail", args=[membership.chat_id])).content.decode()
    assert "Whoever runs this server can open it in the administration, which is logged." in page
