"""Errors of presence.

PresenceError
└── RegistryError
    ├── RegistryUnavailable    the registry does not answer, or is still being filled: presence is unknown
    └── LeaseLost       the registry has no lease of this process, or another state of it: register again
"""


class PresenceError(Exception):
    """Base of the tree."""


class RegistryError(PresenceError):
    """The registry did not do what it was asked."""


class RegistryUnavailable(RegistryError):
    """It is not known who is online; callers may try again after a second."""


class LeaseLost(RegistryError):
    """The process must register again, with a new incarnation and all its users."""
