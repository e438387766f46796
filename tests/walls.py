"""A contract for import-linter that lists what may be imported: a new library cannot slip in (pyproject.toml)."""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowListContract(Contract):
    """A package imports itself, the standard library, and the listed packages; whatever else it imports breaks it."""

    type_name = "allow_list"

    package = fields.ModuleField()
    allowed = fields.SetField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return the imports that are not allowed, as `importer -> imported` in the metadata."""
        package: str = self.package.name  # type: ignore[attr-defined]
        allowed = {package, *self.allowed, *sys.stdlib_module_names}  # type: ignore[misc]
        inside = {package, *graph.find_descendants(package)}
        strangers = sorted(
            f"{module} -> {imported}"
            for module in inside
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.partition(".")[0] not in allowed
        )
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each import that is not allowed."""
        strangers: Any = check.metadata["strangers"]
        for stranger in strangers:
            output.print_error(stranger)
