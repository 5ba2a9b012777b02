"""The settings of Flowra for servers of tests that sign in often: a password costs no quarter of a second to check.

    Server({"DJANGO_SETTINGS_MODULE": "tests.support.quick_passwords"})

A hash that another server has made is still understood, and made anew at the first sign-in.
"""

from django.conf.global_settings import PASSWORD_HASHERS as SLOW

from flowra.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *SLOW]
