"""The SQLite engine; what its transactions promise is tested in tests/services/test_database.py."""

import pytest

from hubbub.models.engines.sqlite import statements

TRIGGER = "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM b; DELETE FROM c; END;"


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("", []),
        (" ;; \n; ", []),
        ("SELECT 1", ["SELECT 1;"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1;", " SELECT 2;"]),
        ("SELECT ';'; SELECT \"a;b\";", ["SELECT ';';", ' SELECT "a;b";']),
        (f"{TRIGGER} SELECT 1;", [TRIGGER, " SELECT 1;"]),
        ("SELECT 'open; end", ["SELECT 'open; end;"]),
    ],
)
def test_a_script_is_taken_apart_where_sqlite_would(script, found):
    assert statements(script) == found


def test_a_comment_may_hold_anything():
    assert len(statements("-- one; two\nSELECT 1; /* three; four */ SELECT 2;")) == 2
