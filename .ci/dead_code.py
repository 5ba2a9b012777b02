"""Fail for code that nobody uses: dead_code.py

Vulture says which names nobody's code mentions; tests do not count, so what only they use is dead. What others use by
its name is left out here: frameworks, templates, scripts, clients, and settings that name a class.
"""

from __future__ import annotations

import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from vulture import Vulture
from vulture.core import Item

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("flowra", "chats", "presence", "realtime", "deploy", "benchmarks", "manage.py")
CONFIDENCE = (
    60  # per cent: vulture's figure for functions, classes, methods and attributes; only unused imports have more
)
# What registers a function makes it used.
DECORATORS = ["@receiver", "@register", "@register.*", "@admin.*", "@check", "@library.*", "@override", "@validator"]
# Names that somebody else looks up, by whom.
FRAMEWORKS = {
    "Django models": "Meta abstract constraints default_permissions indexes ordering proxy verbose_name* output_field "
    "arg_joiner as_sqlite db_type select_format get_short_name first_name last_name REQUIRED_FIELDS get_model_class "
    "get_session_store_class _get_session_auth_hash adding",
    "Django's admin": "*Admin add_fieldsets add_form autocomplete_fields delete_queryset fieldsets "
    "get_deleted_objects get_search_fields get_urls has_*_permission list_* readonly_fields show_full_result_count "
    "site_*",
    "Django's forms and views": "clean_* extra_email_context field_classes form_class get_default_redirect_url "
    "help_texts html_email_template_name http_method_names redirect_authenticated_user success_url template_name "
    "widgets",
    "Django's other parts": "*Config add_arguments app_configs app_name async_capable handler500 help "
    "keep_intermediate_files max_post_process_passes msgmerge_options requires_system_checks "
    "support_js_module_import_aggregation sync_capable urlpatterns formatException axes_credentials user_login_failed",
    "Django REST framework": "*Extension *Scheme authentication_classes check_blacklist default_* format_suffix "
    "get_authenticate_header get_cache_key map_serializer_field match_subclasses patch permission_classes "
    "renderer_classes select_parser select_renderer target_class throttle_scope validate",
    "markdown-it and linkify-it": "link_title pretest scanDelims test validateLink",
    "uvicorn and channels": "_clean_expired _ensure_redis _pubsub chat_message handshake_complete on_ws_* receive_json "
    "timeout_graceful_shutdown ws",
    "pygal": "x_labels",
    "servestatic": "create_compressor",
    "clients of the socket, by their values": "FORBIDDEN CLOSED NORMAL",
    "the database and whoever reads it: columns": "title_key ended_at refused_at removed_at",
}
PATTERNS = [pattern for names in FRAMEWORKS.values() for pattern in names.split()]
# What names in these mention: templates their context, scripts and clients the fields of frames and answers.
MENTIONS = ("templates/**/*.html", "static/js/**/*.js", "docs/api.md", "docs/protocol.md")


def find_dead() -> list[Item]:
    """Return the functions, classes, methods, attributes and variables that nobody uses."""
    vulture = Vulture(ignore_decorators=DECORATORS)
    vulture.scavenge([str(ROOT / package) for package in PACKAGES], exclude=["*/.venv/*"])
    words = {word for glob in MENTIONS for path in ROOT.glob(glob) for word in re.findall(r"\w+", path.read_text())}
    paths = re.findall(r'"[\w.]+\.(\w+)"', "".join(path.read_text() for path in (ROOT / "flowra").rglob("*.py")))
    return [
        item
        for item in vulture.get_unused_code(min_confidence=CONFIDENCE)
        if "migrations" not in item.filename.parts
        and item.name not in words.union(paths)
        and not any(fnmatchcase(item.name, pattern) for pattern in PATTERNS)
        and not (item.name.isupper() and item.filename == ROOT / "flowra/settings.py")
    ]


def main() -> int:
    """Print what is dead, and return 1 if anything is."""
    dead = find_dead()
    for item in dead:
        where = f"{item.filename.relative_to(ROOT)}:{item.first_lineno}"
        sys.stdout.write(f"{where}: {item.typ} {item.name} is not used: remove it\n")
    return int(bool(dead))


if __name__ == "__main__":
    sys.exit(main())
