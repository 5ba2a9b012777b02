from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "flowra.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Connect the receivers, and have sockets accept the access tokens that REST accepts."""
        from flowra.accounts import signals  # noqa: F401 (importing them connects them)
        from flowra.accounts.security.tokens import TokenAuthentication
        from realtime.credentials import register_token_authentication

        register_token_authentication(TokenAuthentication())
