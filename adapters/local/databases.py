"""The databases of sql jobs: how they are opened, and kept to themselves as far as their drivers can do that."""

from __future__ import annotations

import re
import sqlite3
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine

_PRAGMAS = {
    "analysis_limit", "application_id", "auto_vacuum", "automatic_index", "busy_timeout", "cache_size",
    "case_sensitive_like", "collation_list", "compile_options", "data_version", "database_list",
    "defer_foreign_keys", "encoding", "foreign_key_check", "foreign_key_list", "foreign_keys", "freelist_count",
    "function_list", "ignore_check_constraints", "incremental_vacuum", "index_info", "index_list", "index_xinfo",
    "integrity_check", "journal_mode", "legacy_alter_table", "module_list", "optimize", "page_count", "page_size",
    "pragma_list", "query_only", "quick_check", "recursive_triggers", "reverse_unordered_selects",
    "secure_delete", "synchronous", "table_info", "table_list", "table_xinfo", "user_version", "wal_checkpoint",
}  # fmt: skip
"""What a job may ask of SQLite: it concerns the database alone. Others change the server's process or other files."""
_FUNCTIONS = {"edit", "fts3_tokenizer", "load_extension", "readfile", "writefile"}
"""Functions of SQLite that reach out of the database, where they are built in."""
_NO_LOCAL_FILES: dict[str, dict[str, Any]] = {
    "pymysql": {"local_infile": False},
    "mysqldb": {"local_infile": 0},
    "mysqlconnector": {"allow_local_infile": False},
    "mariadbconnector": {"local_infile": False},
}
"""What keeps a driver from sending files of this machine (LOAD DATA LOCAL), even where the URL asks for it."""
_POSTGRES_ROLES = """
    SELECT rolname, rolsuper FROM pg_roles WHERE pg_has_role(oid, 'MEMBER') AND
    (rolsuper OR rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')) ORDER BY 1
"""
_GLOBAL_GRANT = re.compile(r"GRANT (.+?) ON \*\.\* TO ")


def open_engine(url: URL, *, autocommit: bool, **options: Any) -> Engine:
    """Return the engine for a database of the settings; `options` go to the driver.

    In `autocommit`, each statement is committed by itself.
    """
    options |= _NO_LOCAL_FILES.get(url.get_driver_name(), {})
    if url.get_driver_name() == "pymysql":
        from pymysql.constants.CLIENT import MULTI_STATEMENTS
        from pymysql.cursors import SSCursor

        # An SSCursor does not read whole results into memory.
        options |= {"client_flag": MULTI_STATEMENTS, "cursorclass": SSCursor}
    level: Literal["AUTOCOMMIT"] | None = "AUTOCOMMIT" if autocommit else None
    return create_engine(url, poolclass=NullPool, connect_args=options, isolation_level=level)


class SqliteGuard:
    """Keeps the statements on a connection to SQLite in their database, in whatever way they are written.

    `refused` is the last statement or function that was not allowed, empty when all were.
    """

    def __init__(self, connection: Any) -> None:
        self.refused = ""
        connection.set_authorizer(self._decide)

    def _decide(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        self.refused = self._find_refusal(action, first or "", (second or "").lower(), known=first is not None)
        return sqlite3.SQLITE_DENY if self.refused else sqlite3.SQLITE_OK

    def _find_refusal(self, action: int, first: str, second: str, *, known: bool) -> str:
        match action:
            case sqlite3.SQLITE_ATTACH if first or not known:  # VACUUM attaches a nameless file, VACUUM INTO its target
                return "ATTACH or VACUUM INTO"
            case sqlite3.SQLITE_PRAGMA if first.lower() not in _PRAGMAS:
                return f"PRAGMA {first}"
            case sqlite3.SQLITE_FUNCTION if second in _FUNCTIONS:
                return f"{second}()"
            case _:
                return ""


def find_rights(connection: Connection) -> str:
    """Return what lets the account of a connection reach files and programs of the database's machine, or nothing."""
    match connection.dialect.name:
        case "postgresql":
            roles = connection.exec_driver_sql(_POSTGRES_ROLES).all()  # also those that SET ROLE takes on
            return ", ".join(sorted({"superuser" if superuser else name for name, superuser in roles}))
        case "mysql" | "mariadb":
            grants = [_GLOBAL_GRANT.match(text) for (text,) in connection.exec_driver_sql("SHOW GRANTS").all()]
            held = {name.strip() for grant in grants if grant for name in grant[1].split(",")}
            return ", ".join(sorted(held & {"ALL PRIVILEGES", "FILE", "SUPER"}))
        case _:
            return ""
