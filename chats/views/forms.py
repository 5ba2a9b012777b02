"""Forms of the pages. They parse; services decide whether a value is valid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from chats.models import (
    BODY_MAX_LENGTH,
    CHAT_MEMBERS_PER_CALL,
    INVITE_DAYS,
    INVITE_DAYS_MAX,
    INVITE_USES_MAX,
    NAME_MAX_LENGTH,
    TITLE_MAX_LENGTH,
    ChatKind,
    Role,
)

if TYPE_CHECKING:
    from flowra.accounts.models import User

SEARCH_MAX_LENGTH = 100
MEMBER_ROWS_MAX = 300  # static/js/presence/members-view.js has it too

GROUP_KINDS = [
    (ChatKind.DISCUSSION.value, ChatKind.DISCUSSION.label),
    (ChatKind.TASK.value, ChatKind.TASK.label),
    (ChatKind.BUG.value, ChatKind.BUG.label),
    (ChatKind.EPIC.value, ChatKind.EPIC.label),
]


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """People of a workspace to choose from: `shown` as a list, all by username."""

    shown: list[User]
    has_more: bool
    find: Callable[[Collection[str]], dict[str, UUID]]  # lower-cased usernames to ids, of those in the workspace


def people_choices(people: Iterable[User]) -> list[tuple[str, str]]:
    """Return "Jane Doe (@jane)" by id."""
    return [(str(person.pk), f"{person.get_full_name()} (@{person.username})") for person in people]


class BodyForm(forms.Form):
    """Base of forms with the text of a message, whose length the service checks."""

    # No maximum here, because browsers send line breaks as two characters.
    body = forms.CharField(max_length=None, strip=False, required=False)

    def clean_body(self) -> str:
        """Return the text with its line breaks as they were typed, without carriage returns."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n")


class PreviewForm(BodyForm):
    """The composer, for a preview."""

    reply_to = forms.UUIDField(required=False)


class MessageForm(PreviewForm):
    """The composer; `client_id` is part of the page, so that sending it twice stores one message."""

    client_id = forms.UUIDField()


class EditForm(BodyForm):
    """Another body for a message."""

    body = forms.CharField(
        label=_("Message"),
        strip=False,
        widget=forms.Textarea(attrs={"dir": "auto", "rows": 6, "maxlength": BODY_MAX_LENGTH, "autofocus": True}),
    )


class ReadForm(forms.Form):
    """How far somebody has read."""

    seq = forms.IntegerField(min_value=0)


class WindowForm(forms.Form):
    """Which messages of a chat to show: those before, after or around a `seq`; and which message is replied to."""

    before = forms.IntegerField(min_value=1, required=False)
    after = forms.IntegerField(min_value=0, required=False)
    at = forms.IntegerField(min_value=1, required=False)
    reply_to = forms.UUIDField(required=False)


class MembersQueryForm(forms.Form):
    """Which of a chat's members to show: a page of those found, or the first `rows`, to fetch a list again."""

    page = forms.IntegerField(min_value=1, required=False)
    rows = forms.IntegerField(min_value=1, max_value=MEMBER_ROWS_MAX, required=False)
    search = forms.CharField(max_length=SEARCH_MAX_LENGTH, required=False)


class PeopleForm(forms.Form):
    """Base of forms with people of a workspace to pick in the field `picked_in`; those not shown are named."""

    picked_in = "member_ids"
    most = CHAT_MEMBERS_PER_CALL

    def __init__(self, *args: Any, people: People, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        self.fields[self.picked_in].choices = people_choices(people.shown)  # type: ignore[attr-defined]
        self.is_needed = self.fields[self.picked_in].required
        if people.has_more:
            self.fields[self.picked_in].required = False
            self.fields["usernames"] = forms.CharField(
                label=_("Others, by username"),
                required=False,
                max_length=5_000,
                help_text=_("For people who are not in the list above. Separate names with spaces."),
                widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "placeholder": "@jane @bob"}),
            )

    def clean(self) -> dict[str, Any]:
        """Return the fields, with named people added to those picked."""
        data: dict[str, Any] = super().clean() or {}
        names = {name.strip("@,;").lower() for name in data.pop("usernames", "").split()} - {""}
        picked = data.get(self.picked_in) or []
        chosen = {*picked} if isinstance(picked, list) else {picked}
        found = self.people.find(names) if names else {}
        if missing := sorted(names - found.keys()):
            self.add_error("usernames", _("Not in this workspace: %(names)s") % {"names": ", ".join(missing)})
        chosen.update(found.values())
        if self.is_needed and not chosen and self.picked_in not in self.errors:
            self.add_error(self.picked_in, _("Pick somebody."))
        if len(chosen) > self.most:
            self.add_error(self.picked_in, _("At most %(most)s can be picked at once.") % {"most": self.most})
        data[self.picked_in] = list(chosen)
        return data


class ChatForm(PeopleForm):
    """A new chat."""

    kind = forms.ChoiceField(label=_("Kind"), choices=GROUP_KINDS)
    title = forms.CharField(
        label=_("Title"),
        max_length=TITLE_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "dir": "auto"}),
    )
    member_ids = forms.TypedMultipleChoiceField(
        label=_("Members"), coerce=UUID, required=False, widget=forms.CheckboxSelectMultiple
    )


class DirectForm(PeopleForm):
    """The other person of a direct chat."""

    most = 1
    member_ids = forms.TypedChoiceField(label=_("Person"), coerce=UUID, empty_value=None, widget=forms.RadioSelect)


class MembersForm(PeopleForm):
    """People to add to a chat."""

    picked_in = "user_ids"
    user_ids = forms.TypedMultipleChoiceField(label=_("People"), coerce=UUID, widget=forms.CheckboxSelectMultiple)


class TitleForm(forms.Form):
    """Another title for a chat."""

    title = forms.CharField(
        label=_("Title"),
        max_length=TITLE_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "dir": "auto"}),
    )


class WorkspaceForm(forms.Form):
    """A workspace's name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto", "placeholder": _("Acme")}),
    )


class RoleForm(forms.Form):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class WorkspaceMemberForm(forms.Form):
    """A user to be added to a workspace."""

    username = forms.CharField(
        label=_("Username"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})
    )


class InviteForm(forms.Form):
    """An invite link."""

    role = forms.ChoiceField(label=_("They join as"), choices=[(r.value, r.label) for r in (Role.MEMBER, Role.ADMIN)])
    days = forms.IntegerField(
        label=_("Expires after (days)"), min_value=1, max_value=INVITE_DAYS_MAX, initial=INVITE_DAYS
    )
    max_uses = forms.IntegerField(
        label=_("Maximum uses"),
        min_value=1,
        max_value=INVITE_USES_MAX,
        required=False,
        help_text=_("Leave empty for unlimited."),
    )


class SearchForm(forms.Form):
    """What to search for."""

    q = forms.CharField(max_length=SEARCH_MAX_LENGTH, required=False)
