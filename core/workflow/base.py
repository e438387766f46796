"""The base of all wire models: they read what others send and write what Zadig sends.

The format is that of the Zadig v4.0 document "发布计划" and of Zadig's own JSON. Where the two differ, both names are
read and Zadig's is written. A missing key and `null` are both read as Go's zero value, a list is never written as
`null`, and an unknown key is kept as it came. Which keys were given is kept as well (`Wire.dump_given`).
"""

from __future__ import annotations

from collections.abc import Callable
from operator import not_
from typing import Annotated, Any, ClassVar, TypeVar, get_origin

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue
from pydantic_core import CoreSchema, core_schema, to_json

T = TypeVar("T")


class NullIsZero:
    """Reads `null` as the type's zero value, as Go's decoder does."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the value first: a "before" check would copy the JSON to Python at every level."""
        zero: Callable[[], Any] = get_origin(source) or source

        def fill(value: Any) -> Any:
            return zero() if value is None else value

        return core_schema.no_info_after_validator_function(fill, core_schema.nullable_schema(handler(source)))


def _check_storable(value: JsonValue, levels: int = 100) -> JsonValue:
    """Reject what could be read but not stored or read again: lone surrogates, NUL, deep nesting, large numbers."""
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("text must not contain NUL")
        value.encode()
    elif isinstance(value, int) and value.bit_length() > 64:
        raise ValueError("numbers are limited to 64 bits")
    elif isinstance(value, dict | list) and levels == 0:
        raise ValueError("values are nested too deeply")
    elif isinstance(value, list):
        for member in value:
            _check_storable(member, levels - 1)
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_storable(key)
            _check_storable(member, levels - 1)
    return value


Text = Annotated[str, Field(pattern=r"^[^\x00]*$"), NullIsZero()]
Flag = Annotated[bool, NullIsZero()]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63), NullIsZero()]
Many = Annotated[tuple[T, ...], NullIsZero()]
AnyJson = Annotated[JsonValue, AfterValidator(_check_storable)]

OMIT_EMPTY: Any = Field(exclude_if=not_)
"""Go's `omitempty`: the key is not written while its value is empty."""


def aliased_field(go: str, *document: str, default: Any) -> Any:
    """Return a field that is written as `go` and read as `go` or as one of the names in the document's tables."""
    return Field(default, validation_alias=AliasChoices(go, *document), serialization_alias=go)


class Wire(BaseModel):
    """A value of the wire: immutable, lenient about keys, strict about types, case-sensitive."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow", frozen=True, serialize_by_alias=True, allow_inf_nan=False, hide_input_in_errors=True
    )
    __pydantic_extra__: dict[Text, AnyJson]

    def dump(self, *, document_aliases: bool = False) -> dict[str, Any]:
        """Return plain JSON values under Zadig's names, in Zadig's order, unknown keys last.

        `document_aliases` adds the names of the document's tables beside them, for receivers written to the document.
        """
        data = self.model_dump(mode="json")
        if document_aliases:
            _add_document_names(self, data)
        return data

    def dump_given(self) -> dict[str, Any]:
        """Return `dump()` without the fields that were not given; a field that was given empty is written.

        So `tag: ""` (clear the tag) and no `tag` (leave it as it is) remain different.
        """
        given: dict[str, Any] = {
            field.serialization_alias or name: _dump_given(getattr(self, name))
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set
        }
        given.update(_dump_given(self.__pydantic_extra__))
        return given

    def dump_json(self, *, document_aliases: bool = False) -> bytes:
        """Return `dump()` as compact UTF-8 JSON."""
        return to_json(self.dump(document_aliases=True) if document_aliases else self)


def drop_empty(data: Any) -> Any:
    """Return JSON of `Wire.dump` without its empty values: what `Wire.dump_given` returns, if none was given empty.

    Values of variables, entries and files stay: there, an empty text is a value like any other.
    """
    if isinstance(data, list):
        return [drop_empty(member) for member in data]
    if isinstance(data, dict):
        return {
            key: drop_empty(value)
            for key, value in data.items()
            if key in _EMPTY_IS_VALUE or value not in ("", 0, None, [])
        }
    return data


_EMPTY_IS_VALUE = frozenset({"value", "val", "content"})


def _dump_given(value: Any) -> Any:
    """Return the plain JSON of a value; none of its objects and lists is that of the model."""
    if isinstance(value, tuple | list):
        return [_dump_given(member) for member in value]
    if isinstance(value, dict):
        return {key: _dump_given(member) for key, member in value.items()}
    return value.dump_given() if isinstance(value, Wire) else value


def _add_document_names(value: object, data: Any) -> None:
    if isinstance(value, tuple):
        for member, member_data in zip(value, data, strict=True):
            _add_document_names(member, member_data)
    elif isinstance(value, Wire):
        for name, field in type(value).model_fields.items():
            key = field.serialization_alias or name
            if key not in data:
                continue
            _add_document_names(getattr(value, name), data[key])
            if isinstance(field.validation_alias, AliasChoices):
                data.update({str(other): data[key] for other in field.validation_alias.choices[1:]})
