"""Whatever is changed in the log of several plans is found by the chains, or by a head that was kept elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.cli.verifying import Report, verify_entries
from core.audit import Head, LogEntry, entry_hash, link_entries
from tests.worlds import START

KEY = b"the key of the log"


@st.composite
def logs(draw: st.DrawFn) -> list[LogEntry]:
    """Draw the log of up to four plans, in the order in which it was written."""
    written: list[LogEntry] = []
    hashes: dict[str, list[str]] = {}
    for number, plan in enumerate(draw(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=12)), 1):
        heads = hashes.setdefault(plan, [])
        at = START + timedelta(seconds=number)
        entry = LogEntry(plan, len(heads) + 1, at, "alice", "person", "api", "edited", {"n": number}, id=number)
        heads.append(entry_hash(heads[-1] if heads else "", entry, KEY))
        written.append(replace(entry, hash=heads[-1]))
    return link_entries(written, Head(), KEY)


def verify(entries: list[LogEntry], newest: LogEntry) -> Report:
    """Verify entries as an export, by the head that was kept when the log was whole."""
    return verify_entries(entries, KEY, f"{newest.link_seq}:{newest.link}")


def is_found(entries: list[LogEntry], newest: LogEntry) -> bool:
    report = verify(entries, newest)
    return bool(report.problems) or not report.has_head


@given(logs())
def test_an_untouched_log_fits(log: list[LogEntry]) -> None:
    report = verify(log, log[-1])
    assert (report.problems, report.has_head, report.entries) == ([], True, len(log))
    assert report.plans == len({entry.plan_id for entry in log})


@given(logs(), st.data())
def test_removed_entries_are_found(log: list[LogEntry], data: st.DataObject) -> None:
    removed = data.draw(st.sets(st.sampled_from(range(len(log))), min_size=1))
    assert is_found([entry for index, entry in enumerate(log) if index not in removed], log[-1])


@given(logs(), st.data())
def test_a_plan_that_was_removed_with_its_log_is_found(log: list[LogEntry], data: st.DataObject) -> None:
    removed = data.draw(st.sampled_from(sorted({entry.plan_id for entry in log})))
    assert is_found([entry for entry in log if entry.plan_id != removed], log[-1])


@given(logs(), st.data())
def test_an_entry_that_was_changed_is_found(log: list[LogEntry], data: st.DataObject) -> None:
    index = data.draw(st.sampled_from(range(len(log))))
    other = log[index - 1]
    changes = {"actor": "mallory", "details": {"n": 0}, "event": "voted", "at": START, "plan_id": other.plan_id,
               "hash": other.hash, "link": other.link}  # fmt: skip
    name = data.draw(st.sampled_from(sorted(changes)))
    changed = replace(log[index], **{name: changes[name]})  # type: ignore[arg-type]
    assume(changed != log[index])
    assert is_found([*log[:index], changed, *log[index + 1 :]], log[-1])


@given(logs(), st.data())
def test_entries_in_another_order_are_found(log: list[LogEntry], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(log))
    assume(shuffled != log)
    assert is_found(shuffled, log[-1])


@given(logs())
def test_a_log_that_somebody_without_the_key_wrote_anew_is_found(log: list[LogEntry]) -> None:
    assert is_found(link_entries(log, Head(), b"another key"), log[-1])
