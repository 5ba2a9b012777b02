"""The admin site of chats. Django imports this package; its modules register their pages."""

from chats.admin import chats, messages

__all__ = ["chats", "messages"]
