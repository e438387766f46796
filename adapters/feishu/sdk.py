"""Imports of the vendor's SDK. To import any part loads some 11,000 modules, and takes seconds and over 100 MiB.

The SDK is imported when it is first used, in a worker thread. The garbage collector is off during the import, and does
not scan the SDK's objects afterwards: each scan would stop the event loop for some 150 ms.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from threading import Lock
from typing import Any, Final

_IMPORT_LOCK: Final = Lock()
"""Held during an import: its modules have import cycles, and two threads would see partly initialised modules."""


async def import_sdk(module: str) -> Any:
    """Import a module of the SDK, and return it."""
    return await asyncio.to_thread(_import, module)


def _import(module: str) -> Any:
    with _IMPORT_LOCK:
        if module in sys.modules:
            return importlib.import_module(module)
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return importlib.import_module(module)
        finally:
            gc.freeze()
            if was_enabled:
                gc.enable()
