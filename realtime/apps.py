from django.apps import AppConfig

from chats.events import domain_event, domain_event_pending
from presence.events import presence_event


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"

    def ready(self) -> None:
        """Listen to what happens in the domain and to presence."""
        from realtime.background.announcements import announce
        from realtime.receivers import broadcast, broadcast_presence

        domain_event_pending.connect(announce, dispatch_uid="realtime.background.announcements")
        domain_event.connect(broadcast, dispatch_uid="realtime.receivers")
        presence_event.connect(broadcast_presence, dispatch_uid="realtime.receivers")
