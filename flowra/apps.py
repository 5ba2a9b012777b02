from django.apps import AppConfig


class FlowraConfig(AppConfig):
    name = "flowra"
    verbose_name = "Flowra"

    def ready(self) -> None:
        """Register the system checks of the settings."""
        from flowra import checks  # noqa: F401  (needs the app registry)
