from django.apps import AppConfig


class FlowraConfig(AppConfig):
    name = "flowra"
    verbose_name = "Flowra"

    def ready(self) -> None:
        """Register the system checks of the settings, and have deletions noted."""
        from chats.events import domain_event  # needs the app registry, as the others
        from flowra import audit, checks  # noqa: F401

        domain_event.connect(audit.note, dispatch_uid="flowra.audit")
