"""Texts of SQL that are split into statements."""

from __future__ import annotations

import pytest

from adapters.local.statements import split_postgresql, split_sqlite


def test_sqlite_says_where_a_statement_ends() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; SELECT ';'; END;"
    assert list(split_sqlite(f"SELECT ';'; {trigger} SELECT 2 -- x;\n")) == [
        "SELECT ';';",
        f" {trigger}",
        " SELECT 2 -- x;\n",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT ';', 'it''s;', E'\\';', \";\", U&'d\\0061t;'",
        "SELECT 'a\\'",
        "SELECT 1 -- one; 'two",
        "SELECT /* ; /* ; */ ; */ 1",
        "DO $$ BEGIN PERFORM 1; END $$",
        "DO $body$ BEGIN PERFORM $$;$$; END $body$",
        "SELECT a$b, $1",
        "CREATE RULE r AS ON INSERT TO a DO (DELETE FROM b; DELETE FROM c)",
        "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1; END",
    ],
)
def test_semicolons_inside_a_statement_do_not_end_it(statement: str) -> None:
    assert list(split_postgresql(f"{statement}\n; SELECT 2")) == [f"{statement}\n;", " SELECT 2"]


def test_transaction_commands_and_conditions_are_statements_like_others() -> None:
    text = "BEGIN; SELECT CASE WHEN true THEN 1 END; END;"
    assert list(split_postgresql(text)) == ["BEGIN;", " SELECT CASE WHEN true THEN 1 END;", " END;"]


@pytest.mark.parametrize("text", ["", ";", " ;; ", "-- nothing; here", "/* nothing; here"])
def test_what_has_no_word_is_no_statement(text: str) -> None:
    assert list(split_postgresql(text)) == []
