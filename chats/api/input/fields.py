"""Strict fields: they convert no number to text, no text to a number, no `true` to 1."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from chats.exceptions import Invalid
from chats.lib.text import clean_line, clean_text
from chats.models import ChatKind

MAX_COUNTER = 2**63 - 1  # what the database's 64-bit columns hold
DIRECT_KIND = [(str(ChatKind.DIRECT.value), ChatKind.DIRECT.label)]
TITLED_KINDS = [(str(kind.value), kind.label) for kind in ChatKind if kind != ChatKind.DIRECT]

# What chats/lib/text.py accepts, as far as the regular expressions of all client generators can express it: no NUL, and
# one visible character. Python, Go, Java and JavaScript agree on these escapes and not on Unicode classes, so of the
# invisible characters only those of Latin-1 are named here. The server knows the others.
TEXT_PATTERN = r"^[^\x00]*[^\x00-\x20\x7f-\xa0\xad][^\x00]*$"
STORABLE_PATTERN = r"^[^\x00]*$"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{1,4000}")  # int() refuses longer ones


def parse_id(value: object, *, field: str) -> UUID:
    """Return the UUID written canonically in `value`; raises Invalid."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise Invalid(f"{field} must be a UUID.", field=field)
    return UUID(value)


class IdField(serializers.UUIDField):
    """A UUID in its canonical form, as the API itself writes it."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the UUID."""
        try:
            return parse_id(data, field=self.field_name or "id")
        except Invalid as error:
            raise serializers.ValidationError(error.message, code=error.code) from None


class TypedText(serializers.Field[str, Any, str, Any]):
    """Text whose content the service checks; `longest` and `required_text` describe that check in the schema.

    CharField would convert numbers and refuse "" with its own message.
    """

    default_error_messages: ClassVar[dict[str, Any]] = {"invalid": _("Not a valid string.")}

    def __init__(self, *, longest: int | None = None, required_text: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.longest = longest
        self.required_text = required_text

    def to_internal_value(self, data: Any) -> str:
        """Return the text as it is."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of accepted texts."""
        schema: dict[str, Any] = {"type": "string", "pattern": TEXT_PATTERN if self.required_text else STORABLE_PATTERN}
        if self.required_text:
            schema["minLength"] = 1
        if self.longest is not None:
            schema["maxLength"] = self.longest
        return schema


class TextField(TypedText):
    """Text checked by chats/lib/text.py; `line`: trimmed, with single spaces; `required_text`: not blank."""

    def __init__(self, *, longest: int, line: bool = False, **kwargs: Any) -> None:
        super().__init__(longest=longest, **kwargs)
        self.max_length = longest
        self.line = line

    def to_internal_value(self, data: Any) -> str:
        """Return the checked text."""
        text = super().to_internal_value(data)
        name = self.field_name or "text"
        try:
            text = clean_text(text, field=name, max_length=self.max_length, required=self.required_text)
            return clean_line(text, field=name, max_length=self.max_length) if self.line else text
        except Invalid as error:
            raise serializers.ValidationError(error.message, code=error.code) from None


class BodyInteger(serializers.IntegerField):
    """A JSON integer: neither "3" nor true; 3.0 is one (JSON Schema, 6.1.1)."""

    def to_internal_value(self, data: Any) -> int:
        """Return the integer."""
        if isinstance(data, bool) or not (isinstance(data, int) or (isinstance(data, float) and data.is_integer())):
            self.fail("invalid")
        return int(data)


class QueryInteger(serializers.IntegerField):
    """A whole number in a query string: digits and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if not isinstance(data, str) or not _DIGITS.fullmatch(data):
            self.fail("invalid")
        return int(data)


class QueryIds(serializers.Field[set[UUID], Any, str, Any]):
    """Ids in a query string with commas between them, at most so many."""

    default_error_messages: ClassVar[dict[str, Any]] = {"too_many": _("At most {most} ids can be named at once.")}

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def to_internal_value(self, data: Any) -> set[UUID]:
        """Return the ids."""
        parts = str(data).split(",")
        if len(parts) > self.most:
            self.fail("too_many", most=self.most)
        try:
            return {parse_id(part, field=self.field_name or "ids") for part in parts}
        except Invalid as error:
            raise serializers.ValidationError(error.message, code=error.code) from None


class BodyBoolean(serializers.BooleanField):
    """A JSON boolean: neither 1 nor "true"."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class QueryBoolean(serializers.BooleanField):
    """`true` or `false` in a query string."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean."""
        if data not in ("true", "false"):
            self.fail("invalid", input=data)
        return bool(data == "true")


class OneOf(serializers.ChoiceField):
    """One of some words; the base class would find 1 where it looks for "1"."""

    default_error_messages: ClassVar[dict[str, Any]] = {"invalid_choice": _("This is not one of the choices.")}

    def to_internal_value(self, data: Any) -> str:
        """Return the word."""
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=data)
        return data
