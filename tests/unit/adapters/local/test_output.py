"""What is kept and shown of a run's output."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.local.cleaning import Cleaner, clean_text
from adapters.local.masking import Masker
from adapters.local.output import CAP, OutputLog, read_output
from core.workflow import MASK
from tests.unit.adapters.local.conftest import Desk, script


@pytest.mark.parametrize("size", range(1, 12))
def test_a_secret_is_masked_however_it_is_cut(size: int) -> None:
    masker = Masker(["hunter2", "hunt", "two\nlines"])
    text = b"pw=hunter2, hunt; hunte hunter\nlines alone, two; end hunter"
    shown = b"".join(masker.feed(text[i : i + size]) for i in range(0, len(text), size)) + masker.flush()
    assert shown.replace(MASK.encode(), b"*") == b"pw=*, *; *e *er\n* alone, *; end *er"


def test_only_a_possible_beginning_of_a_secret_is_held_back() -> None:
    masker = Masker(["hunter2"])
    assert masker.feed(b"a line\nhun") == b"a line\n"
    assert masker.feed(b"gry") == b"hungry"


def test_without_secrets_nothing_changes() -> None:
    masker = Masker(["", "\n"])
    assert masker.feed(b"anything") == b"anything"
    assert masker.mask("anything") == "anything"


async def test_credentials_never_reach_the_disk(desk: Desk) -> None:
    envs = [{"key": "TOKEN", "value": "s3cr3t-值", "is_credential": True}]
    params = [{"name": "PASSWORD", "value": "pa$$word", "is_credential": True}]
    text = """
        printf 's3cr'; sleep 0.2; printf '3t-'; sleep 0.2; echo 值
        echo "$PASSWORD" | tee copy; printf 's3cr\\0003t-值\\n'; exit 1
    """
    await desk.run(script(text, envs=envs), params=params)
    assert desk.runner.output("r1").splitlines()[1:4] == [MASK, MASK, MASK]
    stored = b"".join(path.read_bytes() for path in desk.work_dir.rglob("*") if path.is_file() and path.suffix != ".sh")
    assert b"pa$$word" not in stored
    assert "s3cr3t-值".encode() not in stored


async def test_a_flood_keeps_its_beginning_and_its_end(desk: Desk) -> None:
    await desk.run(script("echo first; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo last"))
    output = desk.runner.output("r1")
    head, marker, tail = output.partition("\n[… ")
    assert head.startswith("== stage/job\nfirst\nxxx")
    assert tail.endswith("xxx\nlast\n== passed\n")
    written = len("== stage/job\nfirst\n\nlast\n== passed\n") + 10_000_000
    left_out = int(tail.partition(" bytes left out …]\n")[0].replace(",", ""))
    assert marker
    assert left_out == written - CAP
    assert len(output) == CAP + len(f"\n[… {left_out:,} bytes left out …]\n")
    assert sum(path.stat().st_size for path in (desk.work_dir / "r1").glob("output.*")) <= 1.5 * CAP


@pytest.mark.parametrize("size", [0, 1, CAP // 2 - 1, CAP // 2, CAP // 2 + 1, CAP])
def test_up_to_the_cap_nothing_is_left_out(tmp_path: Path, size: int) -> None:
    log = OutputLog(tmp_path, [])
    log.write(data := (b"0123456789" * (size // 10 + 1))[:size])
    log.close()
    assert read_output(tmp_path) == data


def test_binary_and_terminal_sequences_become_plain_text() -> None:
    data = b"\x1b[31mred\x1b[0m \x1b]0;title\x07ok\r\n\x00\x07\xff\xfe \xc2\x9b31m tab\t " + "\u202eevil".encode()
    for size in range(1, len(data) + 1):
        cleaner = Cleaner()
        parts = [cleaner.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert "".join(parts) + cleaner.flush() == "red ok\n\ufffd\ufffd 31m tab\t evil"


SPLITS = {
    "a colour": "\x1b[31m",
    "a title": "\x1b]0;any; title\x07",
    "a title to the end of its string": "\x1bPq...\x1b\\",
    "a character set": "\x1b(B",
    "a lone escape": "\x1bc",
    "a carriage return": "\r",
    "nothing to see": "\u200b",
    "an odd sequence": "\x1b[9999999999m",
}


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
def test_a_secret_is_masked_that_something_unseen_splits(tmp_path: Path, split: str, size: int) -> None:
    log = OutputLog(tmp_path, ["hunter2"])
    data = f"pw=hunt{split}er{split}2 end\n".encode()
    for at in range(0, len(data), size):
        log.write(data[at : at + size])
    log.close()
    assert read_output(tmp_path).decode() == f"pw={MASK} end\n"


def test_what_looks_like_the_beginning_of_a_sequence_is_not_lost() -> None:
    assert clean_text("100% \x1b[\n\x1b]no end\nnext \x1b") == "100% \n\nnext "
    cleaner = Cleaner()
    assert cleaner.feed(b"\x1b[" + b"0" * 100_000) == ""
    assert cleaner.feed(b"m shown") == "m shown"


async def test_a_secret_that_is_newer_than_an_output_is_masked_in_it(desk: Desk) -> None:
    await desk.run(script("echo tok; printf 'n3w-\\e[0mtoken\\n'"))
    assert "n3w-token" in desk.runner.output("r1")
    after = Desk(desk.work_dir, secrets=["n3w-token"])
    assert f"\n{MASK}\n" in after.runner.output("r1")


async def test_junk_is_shown_without_harm(desk: Desk) -> None:
    await desk.run(script("head -c 300000 /dev/urandom; echo; echo end"))
    output = desk.runner.output("r1")
    assert output.endswith("\nend\n== passed\n")
    assert all(character in "\n\t" or ord(character) >= 32 for character in output)
