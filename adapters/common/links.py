"""What people typed, where a chat made a link of it."""

from __future__ import annotations

import re
from typing import Final

_SCHEME: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


def written_link(label: str, url: str) -> str:
    """Return the text behind a link: the label where the chat has only added a scheme to it, else the URL.

    `deploy.sh` is sent as a link to `http://deploy.sh`.
    """
    return label if label and _SCHEME.sub("", url, 1).rstrip("/") in (label, label.rstrip("/")) else url
