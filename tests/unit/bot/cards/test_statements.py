"""Which statements of an SQL text are a risk."""

from __future__ import annotations

import pytest

from bot.cards.statements import parse_statements


@pytest.mark.parametrize(
    ("sql", "kind", "risk"),
    [
        ("DELETE FROM cart", "DELETE", "DELETE without WHERE"),
        ("delete/**/from cart", "DELETE", "DELETE without WHERE"),
        ("DELETE FROM cart -- WHERE id = 1", "DELETE", "DELETE without WHERE"),
        ("DELETE FROM cart WHERE id = 1", "DELETE", ""),
        ("UPDATE t SET note = 'where'", "UPDATE", "UPDATE without WHERE"),
        ("UPDATE t SET a = (SELECT b FROM c WHERE c.id = 1)", "UPDATE", "UPDATE without WHERE"),
        ("UPDATE t SET a = (SELECT b FROM c) WHERE t.id = 1", "UPDATE", ""),
        ("WITH x AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM x)", "DELETE", ""),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x WHERE id = 1", "SELECT", "DELETE without WHERE"),
        ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN", "DELETE without WHERE"),
        ("SELECT 1 FROM t FOR UPDATE", "SELECT", ""),
        ("CREATE TABLE a (b INT REFERENCES c ON DELETE CASCADE)", "CREATE", ""),
        ("INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET b = 1", "INSERT", ""),
        ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", "MERGE", ""),
        ("DROP TABLE cart", "DROP", "DROP"),
        ("truncate cart", "TRUNCATE", "TRUNCATE"),
        ("GRANT ALL ON shop TO eve", "GRANT", "GRANT"),
        ("ALTER TABLE orders ADD coupon BIGINT", "ALTER", ""),
        ("ALTER TABLE orders DROP COLUMN coupon", "ALTER", "ALTER … DROP"),
        ("DO $$ BEGIN DELETE FROM t; END $$", "DO", "DO runs statements that are not examined"),
        ("CALL clean_up()", "CALL", "CALL runs statements that are not examined"),
        ("BEGIN", "BEGIN", ""),
    ],
)
def test_what_cannot_be_taken_back_is_a_risk(sql: str, kind: str, risk: str) -> None:
    [found] = parse_statements(f"{sql};")
    assert (found.kind, str(found.risk)) == (kind, risk)


def test_each_statement_has_its_own_lines_without_comments() -> None:
    found = parse_statements("-- tidy\nDELETE FROM cart\n  WHERE old;\n\n/* and */ ALTER TABLE a\n  ADD b INT;\n;\n")
    assert [each.lines for each in found] == [("DELETE FROM cart", "  WHERE old;"), ("ALTER TABLE a", "  ADD b INT;")]
    assert parse_statements(" ;; -- nothing") == ()


@pytest.mark.parametrize("mark", ["/*!50000", "/*M!"])
def test_a_comment_that_the_database_runs_is_a_risk(mark: str) -> None:
    [found] = parse_statements(" ".join(["SELECT 1", mark, "DELETE FROM cart */;"]))
    assert "comment that the database runs" in str(found.risk)
    assert "DELETE FROM cart" in found.lines[0]


def test_what_is_too_long_or_too_deep_to_read_is_a_risk() -> None:
    assert "too long" in str(parse_statements("SELECT 1;" * 20_000)[0].risk)
    assert "cannot be read" in str(parse_statements(f"SELECT {'(' * 2000}1{')' * 2000}")[0].risk)
