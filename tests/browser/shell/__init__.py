"""The frame around a page: the list of chats, the quick switcher."""
