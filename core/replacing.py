"""`replace` of `dataclasses`, quick for objects with a `__dict__`, however many fields they have.

A decision makes a dozen plans, each by a change of few of some forty fields. To call `__init__` with all of them, which
`dataclasses.replace` does, takes twenty times as long. Type checkers see that function: they know the fields.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """Return a copy of a dataclass's object with other values of some fields; `__post_init__` is not called.

        Raises TypeError for a field that there is not.
        """
        if not hasattr(value, "__dict__"):
            return dataclasses.replace(value, **changes)
        if unknown := changes.keys() - value.__dict__.keys():
            raise TypeError(f"{type(value).__name__} has no field {', '.join(sorted(unknown))}")
        made = object.__new__(type(value))
        made.__dict__.update(value.__dict__)
        made.__dict__.update(changes)
        return made
