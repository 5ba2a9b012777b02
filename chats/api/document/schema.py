"""Decorators that describe an endpoint in the OpenAPI document: input, responses, errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from drf_spectacular.extensions import OpenApiSerializerExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.serializers import Serializer

from chats.api.document.components import component
from chats.api.input.fields import MAX_COUNTER
from chats.api.input.pagination import PageQuery
from chats.payload_types import ErrorPayload, RateErrorPayload

View = TypeVar("View", bound=Callable[..., Any])
Answer = Any  # the type of a payload, or a list of it; None for no body
INT32 = 2**31 - 1

_ERRORS: Mapping[int, str] = {
    400: "Something in the request is wrong.",
    401: "No credential, or one that is not valid.",
    403: "Not allowed, or the CSRF token is missing beside a session cookie.",
    404: "There is no such thing, or the caller may not know of it.",
    409: "It is not in a state in which this can be done.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Too many requests.",
    503: "It cannot be told now; `Retry-After` says when to try again.",
}


class NeedsOneExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Requires one of the fields `needs_one`."""

    target_class = "chats.api.input.requests.NeedsOne"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the serializer's JSON Schema."""
        map_serializer: Any = auto_schema._map_serializer  # untyped; the documentation of extensions names it
        schema: dict[str, Any] = map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "anyOf": [{"required": [name]} for name in self.target.needs_one]}


class KnownOnlyExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says that no other field may stand there."""

    target_class = "chats.api.input.requests.KnownOnly"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the serializer's JSON Schema."""
        map_serializer: Any = auto_schema._map_serializer  # as above
        schema: dict[str, Any] = map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


class TypedTextExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Gives text its length and pattern."""

    target_class = "chats.api.input.fields.TypedText"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the field's JSON Schema."""
        schema: dict[str, Any] = self.target.json_schema()
        return schema


def require_bodies(result: dict[str, Any], **_context: object) -> dict[str, Any]:
    """Return the document with bodies required where one of several fields is, which drf-spectacular overlooks."""
    components = result["components"]["schemas"]
    for path in result["paths"].values():
        for operation in path.values():
            body = operation.get("requestBody")
            if body is None:
                continue
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            if {"anyOf", "oneOf"} & components[name].keys():
                body["required"] = True
    return result


def widen_integers(result: dict[str, Any], **_context: object) -> dict[str, Any]:
    """Return the document with `format: int64` on every integer of a body or answer that has no bound within 32 bits.

    Typed clients read an integer without a format as 32 bits, and would fail on a presence version. Parameters are not
    changed: those that need a format have it, and `limit` may be any number.
    """
    for schema in _schemas_in(result["components"]["schemas"]):
        kinds = schema.get("type")
        if "integer" in (kinds if isinstance(kinds, list) else [kinds]) and schema.get("maximum", MAX_COUNTER) > INT32:
            schema["format"] = "int64"
    return result


def declare_field_errors(result: dict[str, Any], **_context: object) -> dict[str, Any]:
    """Return the document with the lists of messages that an error has under the names of fields."""
    for name in ("Error", "RateError"):
        result["components"]["schemas"][name]["additionalProperties"] = {"type": "array", "items": {"type": "string"}}
    return result


class QueryIdsExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes ids separated by commas."""

    target_class = "chats.api.input.fields.QueryIds"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """Return the field's JSON Schema."""
        one = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
        return {"type": "string", "pattern": f"^{one}(,{one})*$", "maxLength": 37 * self.target.most - 1}


def inline_narrow_enums(result: dict[str, Any], **_context: object) -> dict[str, Any]:
    """Return the document with each enum inlined whose values another one has, too.

    Generators for Go and C make constants of the values, without the name of the enum, and two of them would collide.
    """
    schemas = result["components"]["schemas"]
    enums = {name: set(schema["enum"]) for name, schema in schemas.items() if "enum" in schema}
    narrow = {
        name for name, values in enums.items() for other, more in enums.items() if values < more and other != name
    }
    for node in list(_schemas_in(result)):
        _inline(node, {name: schemas[name] for name in narrow})
    for name in narrow:
        del schemas[name]
    return result


def _inline(node: dict[str, Any], enums: Mapping[str, dict[str, Any]]) -> None:
    """Replace the reference that `node` is, or has as its only part beside a default, by the enum."""
    references = [node, *node["allOf"]] if len(node.get("allOf", ())) == 1 else [node]
    for reference in references:
        name = str(reference.get("$ref", "")).rpartition("/")[2]
        if name in enums:
            node.pop("$ref", None)
            node.pop("allOf", None)
            node.update({"type": "string", "enum": list(enums[name]["enum"])})


def _schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object below `node`, itself included."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _schemas_in(child)


def reads(
    name: str,
    answer: Answer,
    *,
    ids: Sequence[str] = (),
    query: type[Serializer[Any]] | None = None,
    refuses: Sequence[int] = (),
) -> Callable[[View], View]:
    """Describe a GET of operation id `name`; `ids` are its path parameters, `refuses` further error statuses.

    What it does is the method's docstring.
    """
    statuses = {401, 429, *refuses} | ({400, 404} if ids else set()) | ({400} if query else set())
    if query is not None and issubclass(query, PageQuery):
        statuses.add(404)  # no such cursor
    parameters: list[Any] = [*_path(ids), *([query] if query else [])]
    return _describe(name, {200: answer}, statuses, parameters=parameters)


def writes(
    name: str,
    answers: Mapping[int, Answer],
    *,
    ids: Sequence[str] = (),
    body: Any = None,
    refuses: Sequence[int] = (),
) -> Callable[[View], View]:
    """Describe a POST, PATCH or DELETE like `reads`; `body` is a serializer or a union of several."""
    statuses = {401, 403, 429, *refuses} | ({400, 404} if ids else set()) | ({400, 413, 415} if body else set())
    return _describe(name, answers, statuses, parameters=_path(ids), request=body)


def public_writes(
    name: str, answers: Mapping[int, Answer], *, body: Any, refuses: Sequence[int] = ()
) -> Callable[[View], View]:
    """Describe a POST that needs no sign-in."""
    return _describe(name, answers, {400, 401, 413, 415, 429, *refuses}, request=body, auth=[])


def _described(answer: Answer) -> Any:
    """Return what drf-spectacular takes for a payload's type, or a list of one."""
    origin: Any = get_origin(answer)
    if origin is list:
        return component(get_args(answer)[0])(many=True)
    return None if answer is None else component(answer)


def _path(ids: Sequence[str]) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, OpenApiTypes.UUID, OpenApiParameter.PATH) for name in ids]


def _describe(name: str, answers: Mapping[int, Answer], statuses: set[int], **more: Any) -> Callable[[View], View]:
    responses: dict[int, Any] = {
        status: OpenApiResponse(response=_described(answer), description="" if answer else "Done.")
        for status, answer in answers.items()
    }
    for status in sorted(statuses):
        shape = RateErrorPayload if status == 429 else ErrorPayload
        responses[status] = OpenApiResponse(response=component(shape), description=_ERRORS[status])

    def describe(view: View) -> View:
        text = inspect.getdoc(view) or name
        summary = text.partition("\n")[0].rstrip(".")
        decorated: View = extend_schema(
            operation_id=name, summary=summary, description=text, responses=responses, **more
        )(view)
        return decorated

    return describe
