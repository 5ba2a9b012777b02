"""The OpenAPI document's components, derived from the types of the payloads.

drf-spectacular describes responses by serializers. These are made from the types' annotations and used for the document
only.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from msgspec import Meta
from rest_framework import serializers

from chats.payload_types import BlockPayload, NotificationPayload, ViewerChatPayload

_Serializer = serializers.Serializer[Any]
_FIELDS: Mapping[object, type[serializers.Field[Any, Any, Any, Any]]] = {
    bool: serializers.BooleanField,
    int: serializers.IntegerField,
    str: serializers.CharField,
    "uuid": serializers.UUIDField,
    "uri": serializers.URLField,
    "date-time": serializers.DateTimeField,
}
# A component has the name of its type without "Payload", but for these, which generated clients know by other names.
_NAMES: Mapping[object, str] = {
    ViewerChatPayload: "Chat",
    BlockPayload: "BlockedUser",
    NotificationPayload: "NotificationItem",
}


@functools.cache
def component(payload: type) -> type[_Serializer]:
    """Return the serializer that describes a TypedDict, or a dataclass, whose fields carry `msgspec.Meta`."""
    hints = get_type_hints(payload, include_extras=True)
    fields = {name: _field(hint) for name, hint in hints.items()}
    name = _NAMES.get(payload, payload.__name__.removesuffix("Payload"))
    description = payload.__doc__ if is_typeddict(payload) else None  # a dataclass has one in any case
    return type(name, (_Serializer,), {"__doc__": description, **fields})


def _field(hint: Any) -> Any:
    """Return the serializer's field for one of a TypedDict's annotations. Raises KeyError for a type without one."""
    options: dict[str, Any] = {}
    bare, form, choices = _unwrap(hint, options)
    if choices is not None:
        return serializers.ChoiceField(choices=choices, **options)
    if get_origin(bare) is list:
        (item,) = get_args(bare)
        return component(item)(many=True, **options) if is_typeddict(item) else _list_of(item, options)
    if is_typeddict(bare):
        return component(bare)(**options)
    return _FIELDS[form or bare](**options)


def _list_of(item: Any, options: dict[str, Any]) -> serializers.ListField:
    return serializers.ListField(child=_field(item), **options)


def _unwrap(hint: Any, options: dict[str, Any]) -> tuple[Any, str | None, Any]:
    """Return an annotation's innermost type, its JSON Schema format and its choices; fills the field's `options`."""
    form = choices = None
    while True:
        if get_origin(hint) is NotRequired:
            options["required"] = False
            (hint,) = get_args(hint)
        elif get_origin(hint) in (Union, types.UnionType):
            options["allow_null"] = True
            (hint,) = (kind for kind in get_args(hint) if kind is not types.NoneType)
        elif get_origin(hint) is Annotated:
            metas: list[Meta]
            hint, *metas = get_args(hint)
            for meta in metas:
                form = (meta.extra_json_schema or {}).get("format", form)
                choices = (meta.extra or {}).get("choices", choices)
                told = {"help_text": meta.description, "min_value": meta.ge, "max_value": meta.le}
                options.update({name: value for name, value in told.items() if value is not None})
        else:
            return hint, form, choices
