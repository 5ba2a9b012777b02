from django.apps import AppConfig

from chats.events import domain_event


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"

    def ready(self) -> None:
        """Listen to what happens in the domain."""
        from realtime.broadcaster import broadcast

        domain_event.connect(broadcast, dispatch_uid="realtime.broadcaster")
