from django.apps import AppConfig
from django.db.backends.signals import connection_created


class FlowraConfig(AppConfig):
    name = "flowra"
    verbose_name = "Flowra"

    def ready(self) -> None:
        """Register the system checks of the settings, have deletions noted and SQLite's files kept private."""
        from chats.events import domain_event  # needs the app registry, as the others
        from flowra import audit, checks  # noqa: F401
        from flowra.private_files import keep_private

        connection_created.connect(keep_private, dispatch_uid="flowra.private_files")
        domain_event.connect(audit.note, dispatch_uid="flowra.audit")
