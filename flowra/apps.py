from django.apps import AppConfig
from django.db.backends.signals import connection_created


class FlowraConfig(AppConfig):
    name = "flowra"
    verbose_name = "Flowra"

    def ready(self) -> None:
        """Register the system checks, the audit log and the file permissions of SQLite."""
        from chats.events import domain_event  # needs the app registry, as the others
        from flowra.config import checks  # noqa: F401
        from flowra.config.private_files import keep_private
        from flowra.observability import audit

        connection_created.connect(keep_private, dispatch_uid="flowra.config.private_files")
        domain_event.connect(audit.note, dispatch_uid="flowra.audit")
