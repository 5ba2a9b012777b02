from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "flowra.accounts"
    label = "accounts"
    verbose_name = "Accounts"
