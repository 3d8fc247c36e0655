"""Passwords that are refused."""

import pytest

from hubbub.core import password_policy


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 8"),
        ("password123", "most common"),
        ("PassWord123", "most common"),
        ("ｐａｓｓｗｏｒｄ１２３", "most common"),
        ("zzzzzzzzzzzz", "one repeated character"),
        ("ada-lovelace", "derived from your name"),
        ("Ada-Lovelace-1843", "derived from your name"),
        ("ada@example.org", "derived from your name"),
    ],
)
def test_a_common_password_is_refused_with_a_reason(password, said):
    assert said in str(password_policy.violation(password, "ada@example.org", "ada", "ada-lovelace"))


@pytest.mark.parametrize(
    "password",
    ["correct horse battery", "ada likes analytical engines", "日本語のパスワード", "x" * 300, "Tr0ub4dor&3"],
)
def test_other_passwords_are_accepted(password):
    assert password_policy.violation(password, "ada@example.org", "ada", "ada-lovelace", "") is None


def test_the_list_is_long_and_names_its_source():
    assert len(password_policy.common_passwords()) > 5000
    assert password_policy.COMMON_PASSWORDS_FILE.read_text("utf-8").startswith("# Source: ")
    assert not [
        word
        for word in password_policy.common_passwords()
        if len(word) < password_policy.MIN_PASSWORD_CHARS or word != word.lower()
    ]
