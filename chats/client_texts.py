"""What the scripts of the page say."""

from django.utils.translation import gettext as _


def client_texts() -> dict[str, str]:
    """Return the sentences the scripts show, in the reader's language; {name} and the like are filled in there."""
    return {
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "new": _("New"),
        "edited": _("edited"),
        "deleted": _("This message was deleted."),
        "sending": _("Sending…"),
        "failed": _("Not sent."),
        "retry": _("Try again"),
        "discard": _("Discard"),
        "typing_one": _("{name} is typing..."),
        "typing_two": _("{name} and {other} are typing..."),
        "typing_many": _("Several people are typing..."),
        "jump": _("Jump to the latest"),
        "jump_one": _("1 new message"),
        "jump_many": _("{count} new messages"),
        "connected": _("Real-time updates active"),
        "connecting": _("Reconnecting... (attempt {attempt}/{most})"),
        "connecting_first": _("Connecting..."),
        "disconnected": _("Offline - click to reconnect"),
        "signed_out": _("Signed out - sign in again"),
        "removed": _("You are no longer in this chat."),
        "chat_deleted": _("This chat was deleted."),
        "network": _("The server cannot be reached. Try again in a moment."),
        "refused": _("The server refused this."),
        "close": _("Close"),
        "show": _("Show"),
        "sign_in": _("Sign in"),
        "to_chats": _("To your chats"),
        "save": _("Save"),
        "cancel": _("Cancel"),
        "edit_label": _("Edit message"),
        "confirm_delete": _("Delete this message? It cannot be undone."),
        "replying_to": _("Replying to {name}"),
        "mentioned": _("{name} mentioned you in {chat}"),
        "replied": _("{name} replied to you in {chat}"),
        "added": _("{name} added you to {chat}"),
        "somebody": _("Somebody"),
        "copied": _("Copied"),
        "unknown_reply": _("An earlier message"),
    }
