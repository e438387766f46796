"""The vendor's SDK, of which every part costs the whole: some 11,000 modules, seconds, and over 100 MiB.

It is imported on a worker thread when it is needed first. No garbage is looked for meanwhile, nor among its modules
ever after: each search would halt everybody for some 150 ms.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
from threading import Lock
from typing import Any, Final

_ONE_BY_ONE: Final = Lock()
"""Its modules import one another in circles: two threads that begin in different places get half of them."""


async def sdk_module(module: str) -> Any:
    """Return a module of the SDK."""
    return await asyncio.to_thread(_import, module)


def _import(module: str) -> Any:
    with _ONE_BY_ONE:
        if module in sys.modules:
            return importlib.import_module(module)
        searching = gc.isenabled()
        gc.disable()
        try:
            return importlib.import_module(module)
        finally:
            gc.freeze()
            if searching:
                gc.enable()
