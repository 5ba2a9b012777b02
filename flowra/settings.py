"""All settings, read from the environment; docs/operations.md lists them in one table.

Without any variable this is the demo on this machine: DEBUG on, SQLite and a generated key in
`var/`, the in-process channel layer. Combinations are validated by system checks (`flowra/config/checks.py`).
"""

import datetime
import hashlib
import importlib.util
import logging
import sys
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from flowra.config.data_dir import data_dir, demo_secret_key
from flowra.config.database import complete
from flowra.config.environment import PRIVATE_NETWORKS, Environment
from flowra.config.tcp_keepalive import redis_options
from flowra.observability.log_config import log_config
from flowra.version import VERSION

env = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
FLOWRA_VERSION: str = VERSION
DEBUG: bool = env.bool("DEBUG", default=True)
DEMO = DEBUG  # whether the demo's passwords are shown; `manage.py serve` turns only DEBUG off
DATA_DIR = Path(env.str("FLOWRA_DATA_DIR", default=str(BASE_DIR / "var")))

SECRET_KEY: str = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("DEBUG is off and SECRET_KEY is not set. Set SECRET_KEY to 50 random characters.")
    SECRET_KEY = demo_secret_key(DATA_DIR)

ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", ".localhost"] if DEBUG else []
)
# Origins, besides the host itself, whose pages may open a socket or post forms: "https://chat.example.org".
FLOWRA_ALLOWED_ORIGINS: list[str] = env.list("FLOWRA_ALLOWED_ORIGINS", default=[])
FLOWRA_HTTPS: bool = env.bool("FLOWRA_HTTPS", default=False)
FLOWRA_HSTS_PRELOAD: bool = env.bool("FLOWRA_HSTS_PRELOAD", default=False)
# HSTS preload is a decision of the domain's owner.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
REDIS_URL: str = env.str("REDIS_URL", default="")
# The installation's name in Redis (presence/registry/installation.py).
FLOWRA_REDIS_PREFIX: str = env.str("FLOWRA_REDIS_PREFIX", default="")
# Networks of trusted proxies, or the number of proxies a request passes through.
FLOWRA_TRUSTED_PROXIES: list[str] = env.list("FLOWRA_TRUSTED_PROXIES", default=[])
# Networks that may read /metrics: by default this machine and private networks.
FLOWRA_METRICS_FROM: list[str] = env.list("FLOWRA_METRICS_FROM", default=[*PRIVATE_NETWORKS])

# --- Realtime -----------------------------------------------------------------------------------
FLOWRA_PING_INTERVAL: float = env.float("FLOWRA_PING_INTERVAL", default=30.0)
FLOWRA_PONG_TIMEOUT: float = env.float("FLOWRA_PONG_TIMEOUT", default=60.0)
FLOWRA_PRESENCE_ENABLED: bool = env.bool("FLOWRA_PRESENCE_ENABLED", default=True)
FLOWRA_PRESENCE_HEARTBEAT: float = env.float("FLOWRA_PRESENCE_HEARTBEAT", default=5.0)
FLOWRA_PRESENCE_LEASE: float = env.float("FLOWRA_PRESENCE_LEASE", default=15.0)
FLOWRA_PRESENCE_GRACE: float = env.float("FLOWRA_PRESENCE_GRACE", default=5.0)
FLOWRA_TYPING_ENABLED: bool = env.bool("FLOWRA_TYPING_ENABLED", default=True)
FLOWRA_TYPING_TIMEOUT: float = env.float("FLOWRA_TYPING_TIMEOUT", default=3.0)
FLOWRA_MAX_FRAME_BYTES: int = env.int("FLOWRA_MAX_FRAME_BYTES", default=160 * 1024)
FLOWRA_OUTBOX_BYTES: int = env.int("FLOWRA_OUTBOX_BYTES", default=1024 * 1024)
FLOWRA_PUBLISH_TIMEOUT: float = env.float("FLOWRA_PUBLISH_TIMEOUT", default=1.0)
FLOWRA_PUBLISH_QUEUE: int = env.int("FLOWRA_PUBLISH_QUEUE", default=10_000)
FLOWRA_REPAIR_INTERVAL: float = env.float("FLOWRA_REPAIR_INTERVAL", default=5.0)
FLOWRA_RESYNC_WITHIN: float = env.float("FLOWRA_RESYNC_WITHIN", default=5.0)
FLOWRA_WATCH_INTERVAL: float = env.float("FLOWRA_WATCH_INTERVAL", default=0.5)
FLOWRA_CATCHUP_LIMIT: int = env.int("FLOWRA_CATCHUP_LIMIT", default=500)
FLOWRA_CATCHUP_BYTES: int = env.int("FLOWRA_CATCHUP_BYTES", default=8 * 1024 * 1024)
FLOWRA_PAGE_BYTES: int = env.int("FLOWRA_PAGE_BYTES", default=256 * 1024)
FLOWRA_REQUESTS_AT_ONCE: int = env.int("FLOWRA_REQUESTS_AT_ONCE", default=16)
FLOWRA_REQUESTS_PER_CALLER: int = env.int("FLOWRA_REQUESTS_PER_CALLER", default=6)  # as many as a browser sends
FLOWRA_RESPONSE_BYTES: int = env.int("FLOWRA_RESPONSE_BYTES", default=512 * 1024)
FLOWRA_WRITE_TIMEOUT: float = env.float("FLOWRA_WRITE_TIMEOUT", default=45.0)
FLOWRA_SOCKET_DB_THREADS: int = env.int("FLOWRA_SOCKET_DB_THREADS", default=8)
FLOWRA_DRAIN_SECONDS: float = env.float("FLOWRA_DRAIN_SECONDS", default=20.0)
FLOWRA_DRAIN_HOLD: float = env.float("FLOWRA_DRAIN_HOLD", default=0.0)

# --- Limits -------------------------------------------------------------------------------------
FLOWRA_RATE_LIMITS: bool = env.bool("FLOWRA_RATE_LIMITS", default=True)
FLOWRA_FRAMES_PER_SECOND: float = env.float("FLOWRA_FRAMES_PER_SECOND", default=20.0)
FLOWRA_FRAMES_BURST: int = env.int("FLOWRA_FRAMES_BURST", default=60)
FLOWRA_POSTS_PER_SECOND: float = env.float("FLOWRA_POSTS_PER_SECOND", default=5.0)
FLOWRA_POSTS_BURST: int = env.int("FLOWRA_POSTS_BURST", default=20)
FLOWRA_CONNECTIONS_PER_USER: int = env.int("FLOWRA_CONNECTIONS_PER_USER", default=50)
FLOWRA_CONNECTIONS_PER_ADDRESS: int = env.int("FLOWRA_CONNECTIONS_PER_ADDRESS", default=1_000)
FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS: int = env.int("FLOWRA_HTTP_CONNECTIONS_PER_ADDRESS", default=1_000)
FLOWRA_HANDSHAKES_PER_USER: int = env.int("FLOWRA_HANDSHAKES_PER_USER", default=600)
FLOWRA_HANDSHAKES_PER_MINUTE: int = env.int("FLOWRA_HANDSHAKES_PER_MINUTE", default=600)
FLOWRA_SIGN_INS_PER_MINUTE: int = env.int("FLOWRA_SIGN_INS_PER_MINUTE", default=240)
FLOWRA_SUBSCRIPTIONS_PER_CONNECTION: int = env.int("FLOWRA_SUBSCRIPTIONS_PER_CONNECTION", default=200)

# --- Accounts -----------------------------------------------------------------------------------
FLOWRA_SIGNUP_ENABLED: bool = env.bool("FLOWRA_SIGNUP_ENABLED", default=True)
FLOWRA_ACCESS_TOKEN_SECONDS: int = env.int("FLOWRA_ACCESS_TOKEN_SECONDS", default=15 * 60)
FLOWRA_REFRESH_TOKEN_SECONDS: int = env.int("FLOWRA_REFRESH_TOKEN_SECONDS", default=14 * 24 * 3600)
FLOWRA_SIGN_IN_SECONDS: int = env.int("FLOWRA_SIGN_IN_SECONDS", default=90 * 24 * 3600)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "servestatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "lucide",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "flowra.accounts",
    "chats",
    "presence",
    "realtime",
    "flowra",
]
# daphne replaces the runserver command. Nothing else needs twisted, and production does not install it.
if sys.argv[1:2] == ["runserver"]:
    if importlib.util.find_spec("daphne") is None:
        raise ImproperlyConfigured(
            "runserver needs daphne, which requirements-runserver.lock has (make run installs it). "
            "People are served by manage.py serve."
        )
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "flowra.observability.probes.ProbeMiddleware",  # first: probes come with any Host and without TLS
    "flowra.observability.request_log.RequestLogMiddleware",
    "flowra.server.bad_requests.bad_requests",
    "flowra.server.concurrency.ConcurrencyMiddleware",
    "flowra.server.compression.CompressionMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "flowra.storage.StaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "flowra.urls"
ASGI_APPLICATION = "flowra.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "flowra.context_processors.page",
            ],
        },
    }
]

# --- Database -----------------------------------------------------------------------------------
# Seconds after which PostgreSQL cancels a statement of a server; 0 means no limit. Commands have no limit.
FLOWRA_STATEMENT_TIMEOUT: float = env.float("FLOWRA_STATEMENT_TIMEOUT", default=10.0)
FLOWRA_DB_POOL_SIZE: int = env.int("FLOWRA_DB_POOL_SIZE", default=24)  # connections of one process
DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'flowra.sqlite3'}")}
complete(DATABASES["default"], pool_size=FLOWRA_DB_POOL_SIZE, test_file=DATA_DIR / "test.sqlite3")
if not env.ENVIRON.get("DATABASE_URL"):
    data_dir(DATA_DIR)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Channel layer: one channel per process (realtime/hub/hub.py) --------------------------------
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "realtime.broker.channel_layers.RedisLayer",
            "CONFIG": {"hosts": [REDIS_URL], "connection": redis_options(REDIS_URL)},
        }
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "realtime.broker.channel_layers.InProcessLayer"}}

# --- Accounts and sessions ----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "flowra.accounts.security.lockout.CountingBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
SESSION_ENGINE = "flowra.accounts.security.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
AXES_ENABLED = FLOWRA_RATE_LIMITS
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "flowra.accounts.security.lockout.CountingHandler"
AXES_USERNAME_CALLABLE = "flowra.accounts.security.lockout.attempted_username"
AXES_CLIENT_IP_CALLABLE = "flowra.accounts.security.lockout.attempted_from"
AXES_LOCKOUT_CALLABLE = "flowra.accounts.security.lockout.lockout_response"
# An attempt during the lock-out does not extend it, so the time on the lock-out page is correct.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
EMAIL_HOST: str = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT: int = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER: str = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD: str = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS: bool = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL: bool = env.bool("EMAIL_USE_SSL", default=False)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Flowra <flowra@localhost>")

# --- Security -----------------------------------------------------------------------------------
DATA_UPLOAD_MAX_NUMBER_FILES = 0  # no uploads: a form with a file is a 400 before the file is read
CSRF_TRUSTED_ORIGINS = FLOWRA_ALLOWED_ORIGINS
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the admin's and the API documentation's style sheets carry small images
        "font-src": [SELF],
        "connect-src": [SELF],  # same host, so wss:// and ws:// to it as well
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
if FLOWRA_HTTPS:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = FLOWRA_HSTS_PRELOAD
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # Browsers accept cookies with this prefix only from this host: no other host of the domain can set them.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

# --- REST ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # The first one's scheme goes into WWW-Authenticate; with SessionAuthentication first, a 401 would be a 403.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "flowra.accounts.security.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["chats.api.input.parsers.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chats.api.input.parsers.OneRenderer",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["chats.api.throttles.UserThrottle", "chats.api.throttles.ScopedThrottle"],
    # Per user, or per address where nobody is signed in.
    "DEFAULT_THROTTLE_RATES": {
        "user": "3000/min",
        "auth": f"{FLOWRA_SIGN_INS_PER_MINUTE}/min",
        "search": "120/min",
    },
    # X-Forwarded-For is already evaluated (flowra/server/proxies.py); here clients could forge it.
    "NUM_PROXIES": 0,
    "EXCEPTION_HANDLER": "flowra.api.errors.handle_api_error",
    "UNAUTHENTICATED_TOKEN": None,
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    # A derived key of 64 characters, whatever the length of SECRET_KEY.
    "SIGNING_KEY": hashlib.sha256(b"flowra.tokens:" + SECRET_KEY.encode()).hexdigest(),
    "ACCESS_TOKEN_LIFETIME": datetime.timedelta(seconds=FLOWRA_ACCESS_TOKEN_SECONDS),
    "REFRESH_TOKEN_LIFETIME": datetime.timedelta(seconds=FLOWRA_REFRESH_TOKEN_SECONDS),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Flowra",
    "DESCRIPTION": "Team chat: workspaces, chats, messages. docs/api.md tells how the parts go together.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "chats.api.document.schema.inline_narrow_enums",
        "chats.api.document.schema.require_bodies",
        "chats.api.document.schema.widen_integers",
        "chats.api.document.schema.declare_field_errors",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True},
    "ENUM_NAME_OVERRIDES": {
        "Role": "chats.models.Role",
        "InviteRole": "chats.payload_types.INVITE_ROLES",
        "ChatKind": "chats.models.ChatKind",
        "DirectChatKind": "chats.api.input.fields.DIRECT_KIND",
        "TitledChatKind": "chats.api.input.fields.TITLED_KINDS",
        "NotificationKind": "chats.models.Notification.Kind",
        "ChangeType": "chats.payload_types.CHANGE_TYPES",
    },
}
# In the process, so that requests do not depend on the broker; large enough for an entry per user and scope.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}}

# --- Files, language, time, logs ----------------------------------------------------------------
# Off, browsers are rid of the service worker that they have (flowra/app_shell.py).
FLOWRA_OFFLINE_PAGE: bool = env.bool("FLOWRA_OFFLINE_PAGE", default=True)
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "flowra.bundles.BundleFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
if sys.argv[1:2] == ["runserver"]:
    del STATICFILES_FINDERS[0]  # who changes a module looks for it, and finds it, in the browser
# With DEBUG on, files are served from the source folder without collectstatic. Set here, because tests switch DEBUG off
# later.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "flowra.storage.StaticStorage"
    },
}
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_USE_MANIFEST = not DEBUG
LANGUAGE_CODE = "en"
# Only those whose catalogue in locale/ is complete (tests/flowra/languages): readers of others get English.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
LOG_LEVEL: str = env.str("FLOWRA_LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"FLOWRA_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not {LOG_LEVEL!r}.")
FLOWRA_LOG_ADDRESSES: bool = env.bool("FLOWRA_LOG_ADDRESSES", default=True)  # of clients, in the access log
LOG_FORMAT: str = env.str("FLOWRA_LOG_FORMAT", default="").lower() or ("plain" if DEBUG else "json")
if LOG_FORMAT not in ("plain", "json"):
    raise ImproperlyConfigured(f"FLOWRA_LOG_FORMAT must be plain or json, not {LOG_FORMAT!r}.")
LOGGING = log_config(LOG_LEVEL, LOG_FORMAT)
