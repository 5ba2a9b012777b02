"""How soon a peer is given up whose machine was lost without a word: the power failed, or a firewall forgot us.

Nobody resets such a connection. TCP by itself sends again for about a quarter of an hour (Linux: `tcp_retries2`), and
looks after two hours of waiting for an answer or an event whether anybody is there (`tcp_keepalive_time`).
"""

from __future__ import annotations

import socket
from typing import Any

IDLE = 5  # seconds of silence before the first probe
INTERVAL = 2  # seconds between two probes
PROBES = 3  # without an answer
UNCONFIRMED = 10_000  # ms that what was sent may stay unconfirmed

# The other way round: a PostgreSQL whose client was lost. Within a transaction the client holds rows that others wait
# for; Flowra is never silent for long there. Outside it only takes up one of `max_connections`.
_SESSION = {
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

# Parameters of libpq; for a Unix-domain socket it ignores all but `options`.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": IDLE,
    "keepalives_interval": INTERVAL,
    "keepalives_count": PROBES,
    "tcp_user_timeout": UNCONFIRMED,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}


def redis_options(url: str) -> dict[str, Any]:
    """Return what makes redis-py's connection to `url` notice; nothing for a Unix-domain socket, which takes none."""
    if url.startswith("unix:"):
        return {}
    wanted = {
        "TCP_KEEPIDLE": IDLE,
        "TCP_KEEPINTVL": INTERVAL,
        "TCP_KEEPCNT": PROBES,
        "TCP_USER_TIMEOUT": UNCONFIRMED,
    }
    # Not every system has all of them.
    known = {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}
    return {"socket_keepalive": True, "socket_keepalive_options": known}
