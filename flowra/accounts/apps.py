from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "flowra.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Connect the receivers."""
        from flowra.accounts import signals  # noqa: F401 (importing them connects them)
