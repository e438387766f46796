"""What texts of people mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.text import (
    ClockChangeError,
    Duration,
    Moment,
    format_duration,
    normalize_phone,
    parse_duration,
    parse_moment,
    parse_unix_time,
    remove_invisible,
    reveal_invisible,
)

SECOND, YEAR = timedelta(seconds=1), timedelta(days=366)
DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
durations = st.integers(1, YEAR // SECOND).map(lambda seconds: timedelta(seconds=seconds))


@given(durations)
def test_a_duration_is_read_as_it_is_written(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration
    assert DURATION.validate_python(format_duration(duration)) == duration


@given(st.permutations(["1d", "2h", "3m", "4s"]), st.integers(1, 4))
def test_units_come_in_any_order_and_none_twice(parts: list[str], count: int) -> None:
    text = "".join(parts[:count])
    assert parse_duration(text) == sum(map(parse_duration, parts[:count]), timedelta())
    with pytest.raises(ValueError, match="write a duration such as"):
        parse_duration(text + "9" + text[1:])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90m", 5400), ("1h30m", 5400), ("30m1h", 5400), ("2d", 172_800), (" 1h ", 3600)]
)
def test_durations_are_written_with_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "h", "90", "1 hour", "1h 30m", "-1m", "1.5h", "1h1h", "1H", "9" * 40 + "d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration such as 90s, 10m, 1h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize("value", ["0s", "367d", "99999999d", 0.5, -1, "PT0.5S", "P2Y"])
def test_a_duration_has_bounds(value: object) -> None:
    with pytest.raises(ValidationError, match="from one second up to 366 days"):
        DURATION.validate_python(value)


def test_seconds_and_iso_8601_are_durations_too() -> None:
    assert DURATION.validate_python(90) == DURATION.validate_json('"PT1M30S"') == timedelta(seconds=90)


@pytest.mark.parametrize(
    "written",
    ["13800000000", "+8613800000000", "8613800000000", "008613800000000", "+86 138-0000-0000", "86-13800000000"],
)
def test_a_number_of_mainland_china_is_the_same_however_it_is_written(written: str) -> None:
    assert normalize_phone(written) == "13800000000"


@pytest.mark.parametrize("written", ["+14155550100", "+85291234567", "+861012345678", "86", "1386138000", ""])
def test_other_numbers_keep_their_country_code(written: str) -> None:
    assert normalize_phone(written) == written


def test_numbers_that_differ_stay_different() -> None:
    assert normalize_phone("+1 (415) 555-0100") == "+14155550100"
    assert normalize_phone("+113800000000") != normalize_phone("13800000000")


EMOJI = "👩\u200d💻 ❤\ufe0f ⚠\ufe0f 1\ufe0f\u20e3 👩🏽\u200d🚀 🏳\ufe0f\u200d🌈 ✔\ufe0e"
odd = st.text(st.sampled_from("a1#\n\t\r ❤👩🏽\u20e3\ufe0f\u200d\u200b\u2028\ufeff\u202e发"))


@pytest.mark.parametrize(
    "character",
    "\0\a\r\x1b\x7f\x85\xad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\u3164"
    "\ufe00\ufe0f\ufeff\ufff9\ud800\U000e0041\U000e0101",
)
def test_what_cannot_be_seen_is_removed_or_revealed(character: str) -> None:
    assert remove_invisible(f"a{character}b") == "ab"
    assert reveal_invisible(f"a{character}b") == f"a⟨U+{ord(character):04X}⟩b"


def test_lines_stay_lines() -> None:
    assert remove_invisible("a\r\nb\u2028c\u2029\td\n") == "a\nb\nc\n\td\n"
    assert reveal_invisible("a\r\nb\u2028c") == "a⟨U+000D⟩\nb⟨U+2028⟩c"


def test_emoji_stay_whole() -> None:
    assert remove_invisible(EMOJI) == reveal_invisible(EMOJI) == EMOJI
    assert remove_invisible("a\ufe0f 1\ufe0f b\u200dc 👩\u200d") == "a 1 bc 👩"


@given(st.text() | odd)
def test_nothing_invisible_is_left(text: str) -> None:
    removed, revealed = remove_invisible(text), reveal_invisible(text)
    assert remove_invisible(removed) == removed == reveal_invisible(removed)
    assert reveal_invisible(revealed) == revealed == remove_invisible(revealed)
    assert (removed == text) == (revealed == text)


ZONE = timezone(timedelta(hours=8))
OUT_OF_BOUNDS = ("0001-01-01 00:00", "1970-01-01 07:59", "9999-01-01 08:00", "9999-12-31T23:59:59-12:00")


@given(st.integers(0, 253_370_764_799), st.integers(-14, 14))
def test_a_moment_is_read_in_its_zone_or_the_readers(seconds: int, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    moment = datetime.fromtimestamp(seconds, zone)
    assert parse_moment(moment.isoformat(), ZONE) == moment
    assert parse_moment(f" {moment.replace(tzinfo=None).isoformat()} ", zone) == moment
    assert parse_moment(moment.isoformat(), ZONE).tzinfo is UTC


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize("text", ["2026-11-01 01:00", "2026-11-01 01:59:59", "2026-03-08 02:30"])
def test_a_time_that_clocks_show_twice_or_never_needs_its_offset(text: str) -> None:
    with pytest.raises(ClockChangeError):
        parse_moment(text, NEW_YORK)
    offsets = [parse_moment(f"{text}{offset}", NEW_YORK) for offset in ("-04:00", "-05:00")]
    assert offsets[1] - offsets[0] == timedelta(hours=1)


@pytest.mark.parametrize("text", ["2026-11-01 00:59", "2026-11-01 02:00", "2026-03-08 01:59", "2026-03-08 03:00"])
def test_times_beside_a_change_of_clocks_need_none(text: str) -> None:
    assert parse_moment(text, NEW_YORK).astimezone(NEW_YORK).isoformat(" ", "minutes")[:16] == text


@pytest.mark.parametrize("text", OUT_OF_BOUNDS)
def test_a_moment_has_bounds_that_every_zone_can_show(text: str) -> None:
    with pytest.raises(ValueError, match="between the years 1970 and 9998"):
        parse_moment(text, ZONE)
    with pytest.raises(ValidationError, match="between the years 1970 and 9998"):
        TypeAdapter(Moment).validate_python(datetime.fromisoformat(text).replace(tzinfo=ZONE))


@pytest.mark.parametrize(
    "written",
    ["1800000000", '"1800000000"', '"2027-01-15T08:00:00Z"', '"2027-01-15 16:00+08:00"', '"2027-01-15t08:00:00z"'],
)
@pytest.mark.parametrize("strict", [True, False])
def test_a_moment_is_written_as_number_or_text(written: str, strict: bool) -> None:
    assert TypeAdapter(Moment).validate_json(written, strict=strict) == datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    ["true", "-1", "1800000000000", '"1800000000000"', f'"{"9" * 19}"', '"2027-01-15"', '"2027-01-15T08:00:00"', '""'],
)
def test_no_other_value_is_taken_for_a_moment(written: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_json(written, strict=True)


def test_unix_seconds_are_moments_and_nothing_is_none() -> None:
    assert parse_unix_time(1_764_000_000) == datetime(2025, 11, 24, 16, tzinfo=UTC)
    assert parse_unix_time(0) is None
    for seconds in (-1, 253_370_764_800, 2**62):
        with pytest.raises(ValueError, match="write times in unix seconds"):
            parse_unix_time(seconds)
