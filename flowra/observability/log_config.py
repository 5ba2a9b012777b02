"""Django's LOGGING: who says what to standard error. The formats and filters are in flowra/observability/logs.py."""

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
        # Libraries tell of frames and queries at DEBUG, with what people wrote in them, so DEBUG is for our own.
        "root": {"handlers": ["console"], "level": "INFO" if level == "DEBUG" else level},
        "loggers": {
            **{name: {"level": level} for name in ("flowra", "realtime", "presence", "chats")},
            # Named without handlers, so that Django's own ones go and every line comes once, in one format.
            "django": {"level": "INFO"},
            "django.request": {"level": "ERROR"},  # refusals stand in flowra.access
            **{name: {"filters": ["rate_limit"]} for name in ("psycopg.pool", "django.security.DisallowedHost")},
            "axes": {"level": "WARNING"},  # its INFO announces its version at every command
            "uvicorn.error": {"level": "WARNING"},  # its INFO tells of every socket that opens and closes
        },
    }
