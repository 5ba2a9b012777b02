"""What people fill in on the pages. Forms parse; whether a value will do is decided by the services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext_lazy as _

from chats.models import BODY_MAX_LENGTH, NAME_MAX_LENGTH, TITLE_MAX_LENGTH, ChatKind, Role
from chats.services.invites import INVITE_DAYS, INVITE_DAYS_MAX, INVITE_USES_MAX

if TYPE_CHECKING:
    from flowra.accounts.models import User

GROUP_KINDS = [
    (ChatKind.DISCUSSION.value, ChatKind.DISCUSSION.label),
    (ChatKind.TASK.value, ChatKind.TASK.label),
    (ChatKind.BUG.value, ChatKind.BUG.label),
    (ChatKind.EPIC.value, ChatKind.EPIC.label),
]


def people_choices(people: Iterable[User]) -> list[tuple[str, str]]:
    """Return "Jane Doe (@jane)" by id."""
    return [(str(person.pk), f"{person.get_full_name()} (@{person.username})") for person in people]


class MessageForm(forms.Form):
    """The composer; `client_id` is written into the page, so that sending twice stores one message."""

    # The service measures the text: browsers send line breaks as two characters.
    body = forms.CharField(max_length=None, strip=False, required=False)
    client_id = forms.UUIDField()
    reply_to = forms.UUIDField(required=False)

    def clean_body(self) -> str:
        """Return the text with the line breaks that were typed."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n")


class EditForm(forms.Form):
    """Another body for a message."""

    body = forms.CharField(
        label=_("Message"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "maxlength": BODY_MAX_LENGTH, "autofocus": True}),
    )

    def clean_body(self) -> str:
        """Return the text with the line breaks that were typed."""
        return str(self.cleaned_data["body"]).replace("\r\n", "\n")


class ReadForm(forms.Form):
    """How far somebody has read."""

    seq = forms.IntegerField(min_value=0)


class PlaceForm(forms.Form):
    """Which part of a chat to show: the page before a message, or around one; and which one is answered."""

    before = forms.IntegerField(min_value=1, required=False)
    at = forms.IntegerField(min_value=1, required=False)
    reply_to = forms.UUIDField(required=False)


class ChatForm(forms.Form):
    """A new chat."""

    kind = forms.ChoiceField(label=_("Kind"), choices=GROUP_KINDS)
    title = forms.CharField(
        label=_("Title"),
        max_length=TITLE_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    member_ids = forms.TypedMultipleChoiceField(
        label=_("Members"), coerce=UUID, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member_ids"].choices = people_choices(people)  # type: ignore[attr-defined]


class DirectForm(forms.Form):
    """The other person of a direct chat."""

    member_ids = forms.TypedChoiceField(label=_("Person"), coerce=UUID, widget=forms.RadioSelect)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["member_ids"].choices = people_choices(people)  # type: ignore[attr-defined]


class MembersForm(forms.Form):
    """People to add to a chat."""

    user_ids = forms.TypedMultipleChoiceField(label=_("People"), coerce=UUID, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_ids"].choices = people_choices(people)  # type: ignore[attr-defined]


class TitleForm(forms.Form):
    """Another title for a chat."""

    title = forms.CharField(
        label=_("Title"),
        max_length=TITLE_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class WorkspaceForm(forms.Form):
    """A workspace's name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "placeholder": _("Acme")}),
    )


class RoleForm(forms.Form):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class WorkspaceMemberForm(forms.Form):
    """Somebody who has an account already, to be added to a workspace."""

    username = forms.CharField(
        label=_("Username"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class InviteForm(forms.Form):
    """A link by which people join."""

    role = forms.ChoiceField(label=_("They join as"), choices=[(r.value, r.label) for r in (Role.MEMBER, Role.ADMIN)])
    days = forms.IntegerField(label=_("Good for (days)"), min_value=1, max_value=INVITE_DAYS_MAX, initial=INVITE_DAYS)
    max_uses = forms.IntegerField(
        label=_("Most uses"),
        min_value=1,
        max_value=INVITE_USES_MAX,
        required=False,
        help_text=_("Empty: as many as want to."),
    )


class SearchForm(forms.Form):
    """What to jump to."""

    q = forms.CharField(max_length=100, required=False)
