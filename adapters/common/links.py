"""Links that chats make by themselves: what people typed, where one made a link of it, and how one is kept from it."""

from __future__ import annotations

import re
from typing import Final

_SCHEME: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_TOP: Final = "com|net|org|info|biz|edu|gov|cn|io|me|co|cc|app|dev|xyz|top|vip|site|shop|club|link|live|online"
"""Top-level domains by which chats take a name for a host. Those in names of files, such as sh, are missing."""
_LINK: Final = re.compile(
    r"/(?=/\S)|(?<![a-z])(?:mailto|tel|sms|dtmd|javascript|data):(?=\S)"
    r"|(?<![a-z0-9])www\.(?=\S)"
    r"|(?<=[\w-])\.(?=[a-z]{2,24}/)"  # the last dot of a host with a path
    rf"|(?<=[\w-])\.(?=(?:{_TOP})(?![\w-]))"
    r"|(?<=[\w.+-])@(?=[\w-]+\.\w)",  # an e-mail address
    re.IGNORECASE,
)
_WIDE: Final = str.maketrans(":.@/", "：．＠／")


def written_link(label: str, url: str) -> str:
    """Return the text behind a link: the label where the chat has only added a scheme to it, else the URL.

    `deploy.sh` is sent as a link to `http://deploy.sh`.
    """
    return label if label and _SCHEME.sub("", url, 1).rstrip("/") in (label, label.rstrip("/")) else url


def break_links(text: str, own: str = "") -> str:
    """Return a text in which chats find no URL or e-mail address to make a link of, apart from the URL `own`.

    The `:`, `.`, `/` or `@` by which they find one becomes its look-alike of full width. Use it where a chat makes
    links of plain text and cannot be told not to.
    """
    parts = text.split(own) if own else [text]
    return own.join(_LINK.sub(lambda found: found[0].translate(_WIDE), part) for part in parts)
