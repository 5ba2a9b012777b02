"""Django's LOGGING setting. The formats and filters are in flowra/observability/logs.py."""

from typing import Any


def log_config(level: str, style: str) -> dict[str, Any]:
    """Return the configuration for FLOWRA_LOG_LEVEL and FLOWRA_LOG_FORMAT ("plain" or "json")."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"()": "flowra.observability.logs.PlainFormatter"},
            "json": {"()": "flowra.observability.logs.JSONFormatter"},
        },
        "filters": {
            "redact_path": {"()": "flowra.observability.logs.RedactPathFilter"},
            "rate_limit": {"()": "flowra.observability.logs.RateLimitFilter"},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": style, "filters": ["redact_path"]}},
        # Libraries log frames and queries at DEBUG, with messages in them, so DEBUG applies only to Flowra's loggers.
        "root": {"handlers": ["console"], "level": "INFO" if level == "DEBUG" else level},
        "loggers": {
            **{name: {"level": level} for name in ("flowra", "realtime", "presence", "chats")},
            # Without handlers, which removes Django's own, so that every line is logged once and in one format.
            "django": {"level": "INFO"},
            "django.request": {"level": "ERROR"},  # refusals are in flowra.access
            **{name: {"filters": ["rate_limit"]} for name in ("psycopg.pool", "django.security.DisallowedHost")},
            "axes": {"level": "WARNING"},  # its INFO announces its version at every command
            "uvicorn.error": {"level": "WARNING"},  # its INFO logs every socket that opens and closes
        },
    }
