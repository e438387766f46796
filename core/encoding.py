"""The one way in which values become JSON that is stored: compact, as Unicode, read-only mappings like any mapping."""

from __future__ import annotations

import json

encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict).encode
"""Returns a value as JSON, its keys in the order that they have."""
encode_canonical_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=dict, sort_keys=True).encode
"""Returns a value as JSON with sorted keys. The hashes of the log are made of it, so that it can never change."""
