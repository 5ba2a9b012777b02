"""TCP keepalive: detects within about 10 s that a peer's machine was lost without closing its connections.

This happens after a power failure, or when a firewall drops its state. By default TCP retransmits for about 15 minutes
(Linux: `tcp_retries2`), and probes an idle connection after two hours (`tcp_keepalive_time`).
"""

from __future__ import annotations

import socket
from typing import Any

IDLE = 5  # seconds of silence before the first probe
INTERVAL = 2  # seconds between two probes
PROBES = 3  # without an answer
UNCONFIRMED = 10_000  # ms that sent data may stay unacknowledged

# For PostgreSQL, when its client is lost. Within a transaction the client holds locks; Flowra is never idle for long
# there. Outside a transaction it only occupies one of `max_connections`.
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
    """Return redis-py's keepalive options for `url`; none for a Unix-domain socket, which has no such options."""
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
