"""What can go wrong with presence.

PresenceError
└── RegistryError
    ├── RegistryAway    the registry does not answer, or cannot know yet: presence is unknown, not "offline"
    └── LeaseLost       the registry does not (or no longer) know this process as it is: register anew
"""


class PresenceError(Exception):
    """Base of the tree."""


class RegistryError(PresenceError):
    """The registry did not do what it was asked."""


class RegistryAway(RegistryError):
    """Nobody can say now who is online; try again in a second or so."""


class LeaseLost(RegistryError):
    """The process has to register again, under a fresh incarnation and with all its users."""
