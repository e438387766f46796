from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from adapters.common.wire import WireModel


class Part(WireModel):
    text: str = ""
    numbers: list[int] = Field(default_factory=list)


class Whole(WireModel):
    id: str
    part: Part = Part()


def test_nulls_count_as_absent_and_numbers_as_text() -> None:
    assert Whole.model_validate({"id": 7, "part": None}) == Whole(id="7")
    read = Whole.model_validate_json('{"id": "a", "part": {"text": null, "numbers": null, "more": 1}}')
    assert read == Whole(id="a", part=Part())
    assert Whole.model_validate({"id": "a", "part": {"text": 1.5}}).part.text == "1.5"


@pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ["a"]}, {"id": "a", "part": []}, []])
def test_what_is_required_or_of_another_kind_is_an_error(body: object) -> None:
    with pytest.raises(ValidationError):
        Whole.model_validate(body)
