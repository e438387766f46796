"""How values become JSON that is stored and hashed: a change of a byte would break what is stored."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from core.encoding import encode_canonical_json, encode_json


def test_json_is_compact_unicode_in_the_order_of_the_keys() -> None:
    value = {"b": MappingProxyType({"名": "发布", "a": [1, None, True]}), "a": 1.5}
    assert encode_json(value) == '{"b":{"名":"发布","a":[1,null,true]},"a":1.5}'


def test_canonical_json_has_sorted_keys_at_every_depth() -> None:
    value = {"b": MappingProxyType({"名": "发布", "a": [1, None, True]}), "a": 1.5}
    assert encode_canonical_json(value) == '{"a":1.5,"b":{"a":[1,null,true],"名":"发布"}}'


@pytest.mark.parametrize("encode", [encode_json, encode_canonical_json])
def test_what_is_no_json_is_refused(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(TypeError):
        encode({"at": object()})
