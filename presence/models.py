"""When people were last seen, and the id of this installation."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class LastSeen(models.Model):
    """When somebody was last online; stored when they went offline."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    at = models.DateTimeField(_("last seen"))

    class Meta:
        ordering: ClassVar = ["-at"]
        verbose_name = _("last seen")
        verbose_name_plural = _("last seen")

    def __str__(self) -> str:
        return f"{self.user} {self.at:%Y-%m-%d %H:%M}"


class OnlineUser(LastSeen):
    """Gives the admin an entry "Who is online", whose page reads the registry."""

    class Meta:
        proxy = True
        default_permissions = ()  # those of LastSeen count
        verbose_name = _("online user")
        verbose_name_plural = _("Who is online")


class Installation(models.Model):
    """One row with a random id, from which the installation's prefix in Redis is made (registry/installation.py)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    mark = models.CharField(max_length=32, editable=False)  # random

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="installation_is_one")]

    def __str__(self) -> str:
        return self.mark
