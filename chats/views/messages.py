"""Messages without scripts: post, edit, delete and read by plain forms. Scripts use the socket and REST."""

from __future__ import annotations

import math
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from chats import services
from chats.exceptions import ChatError, Forbidden, Invalid, NotFound, TooFast
from chats.limits import count_change, count_post, count_preview
from chats.models import ChatMember, Message
from chats.selectors.access import access_chat, access_message
from chats.views import timeline
from chats.views.base import (
    UNPROCESSABLE,
    PageRequest,
    Question,
    ask,
    attempt,
    carry_out,
    go_to,
    member_page,
    render_form,
)
from chats.views.chat_page import Composer, render_chat
from chats.views.forms import EditForm, MessageForm, PreviewForm, ReadForm


@member_page
@require_POST
def post(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Post what the composer sent; if it is refused, show the page again with the text in the composer."""
    membership = access_chat(request.user, chat_id)
    form = MessageForm(request.POST)
    try:
        if not form.is_valid():
            raise Invalid(_("The form was incomplete. Please send it once more."))
        count_post(user=request.user, chat_id=chat_id, client_id=form.cleaned_data["client_id"])
        posted = services.post_message(
            user=request.user,
            chat_id=chat_id,
            body=form.cleaned_data["body"],
            client_id=form.cleaned_data["client_id"],
            reply_to_id=form.cleaned_data["reply_to"],
        )
    except NotFound:
        raise
    except TooFast as error:
        return _refuse_for_now(_composer_again(request, membership, form, error.message), error)
    except ChatError as error:
        return _composer_again(request, membership, form, error.message)
    return redirect(message_url(posted.message))


@member_page
@require_POST
def preview(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Render a message without posting it: a fragment for scripts, else the page with the text in the composer.

    The fragment, or the refusal instead of it, has the header X-Preview.
    """
    membership = access_chat(request.user, chat_id)
    form = PreviewForm(request.POST)
    form.is_valid()  # an invalid reply_to counts as none
    html, refusal = "", None
    try:
        count_preview(user=request.user)
        html = services.preview_message(user=request.user, chat_id=chat_id, body=form.cleaned_data.get("body", ""))
    except NotFound:
        raise
    except ChatError as error:
        refusal = error
    fault = "" if refusal is None else refusal.message
    status = 200 if refusal is None else UNPROCESSABLE
    if request.headers.get("X-Requested-With"):
        response = HttpResponse(html or fault, status=status, headers={"X-Preview": "1"})
        response["Content-Type"] = "text/html; charset=utf-8" if html else "text/plain; charset=utf-8"
    else:
        answered = timeline.answered_in(membership.chat, form.cleaned_data.get("reply_to"))
        composer = Composer(body=form.cleaned_data.get("body", ""), reply_to=answered, error=fault, preview=html)
        response = render_chat(request, membership, composer=composer, status=status)
    return _refuse_for_now(response, refusal) if isinstance(refusal, TooFast) else response


def _refuse_for_now(response: HttpResponse, error: TooFast) -> HttpResponse:
    """Return the response as a 429 with Retry-After."""
    response.status_code = 429
    response["Retry-After"] = str(math.ceil(error.retry_after))
    return response


def _composer_again(
    request: PageRequest, membership: ChatMember, form: MessageForm, error: str, *, status: int = UNPROCESSABLE
) -> HttpResponse:
    answered = timeline.answered_in(membership.chat, form.cleaned_data.get("reply_to"))
    composer = Composer(body=form.cleaned_data.get("body", ""), reply_to=answered, error=error)
    return render_chat(request, membership, composer=composer, status=status)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PageRequest, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """Edit one's own message on a page of its own."""
    message = _own_message(request, chat_id, message_id)
    form = EditForm(request.POST or None, initial={"body": message.body})
    too_fast = _count_edit(request, form)
    done = carry_out(
        form,
        lambda: services.edit_message(
            user=request.user, chat_id=chat_id, message_id=message_id, body=form.cleaned_data["body"]
        ),
    )
    if done is not None:
        return go_to(request, message_url(message))
    response = render_form(
        request,
        form,
        title=_("Edit message"),
        submit=_("Save"),
        workspace_id=message.chat.workspace_id,
        extra={"back": message_url(message)},
    )
    return response if too_fast is None else _refuse_for_now(response, too_fast)


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PageRequest, chat_id: UUID, message_id: UUID) -> HttpResponse:
    """Ask, then delete a message."""
    message = access_message(request.user, chat_id, message_id)
    back = message_url(message)
    question = Question(
        title=_("Delete this message?") if message.author_id == request.user.pk else _of_others(message),
        text=_("This cannot be undone. The others see that a message was here."),
        quote=message,
        submit=_("Delete"),
        back=back,
    )
    workspace_id = message.chat.workspace_id
    if request.method != "POST":
        return ask(request, question, workspace_id=workspace_id)
    try:
        count_change(user=request.user)
    except TooFast as error:
        messages.error(request, error.message)
        return _refuse_for_now(ask(request, question, workspace_id=workspace_id), error)
    attempt(
        request,
        lambda: services.delete_message(user=request.user, chat_id=chat_id, message_id=message_id),
        _("The message was deleted."),
    )
    return go_to(request, back)


@member_page
@require_POST
def read(request: PageRequest, chat_id: UUID) -> HttpResponse:
    """Mark the chat as read up to `seq`, without scripts."""
    form = ReadForm(request.POST)
    if form.is_valid():
        services.mark_read(user=request.user, chat_id=chat_id, seq=form.cleaned_data["seq"])
    return redirect("chats:detail", chat_id)


def _of_others(message: Message) -> str:
    return _("Delete this message of %(name)s?") % {"name": message.author.get_full_name()}


def message_url(message: Message) -> str:
    """Return the address of the chat's page, opened around a message and scrolled to it."""
    return f"{reverse('chats:detail', args=[message.chat_id])}?at={message.seq}#message-{message.seq}"


def _count_edit(request: PageRequest, form: EditForm) -> TooFast | None:
    """Count the edit of a valid form; if it is too fast, add the error to the form and return it."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        count_change(user=request.user)
    except TooFast as error:
        form.add_error(None, error.message)
        return error
    return None


def _own_message(request: PageRequest, chat_id: UUID, message_id: UUID) -> Message:
    message = access_message(request.user, chat_id, message_id)
    if message.author_id != request.user.pk:
        raise Forbidden(_("Only its author can edit a message."))
    return message
