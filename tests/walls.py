"""A contract for import-linter that lists what may be imported: a new library cannot slip in (pyproject.toml)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowListContract(Contract):
    """A package imports itself, the standard library, and what is listed; whatever else it imports breaks the contract.

    The package and the list may have wildcards, such as `adapters.*.settings`; a package stands for all of its modules.
    """

    type_name = "allow_list"

    package = fields.StringField()
    allowed = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return the imports that are not allowed, as `importer -> imported` in the metadata."""
        package = str(self.package)
        allowed = {package, *self.allowed, *sys.stdlib_module_names}  # type: ignore[misc]
        strangers = sorted(
            f"{module} -> {imported}"
            for module in graph.modules
            if _is_within(module, {package})
            for imported in graph.find_modules_directly_imported_by(module)
            if not _is_within(imported, allowed)
        )
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed."""
        strangers: Any = check.metadata["strangers"]
        for stranger in strangers:
            output.print_error(stranger)


def _is_within(module: str, packages: Iterable[str]) -> bool:
    """Return whether a module is one of some packages, whose names may have wildcards, or lies in one."""
    parts = module.split(".")
    parents = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return any(fnmatchcase(parent, package) for parent in parents for package in packages)
