from django.apps import AppConfig

from chats.events import domain_event, domain_event_pending
from presence.events import presence_event


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"

    def ready(self) -> None:
        """Connect the receivers of domain and presence events, and count the posts of pages and REST."""
        from chats.limits import register_post_limit
        from realtime.limits.posts import post_limit
        from realtime.receivers import announce, broadcast, broadcast_presence

        domain_event_pending.connect(announce, dispatch_uid="realtime.receivers")
        domain_event.connect(broadcast, dispatch_uid="realtime.receivers")
        presence_event.connect(broadcast_presence, dispatch_uid="realtime.receivers")
        register_post_limit(post_limit.take)
