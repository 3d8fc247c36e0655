"""Reserved usernames, names that look like them, and the writers of usernames."""

import ast
from pathlib import Path

import pytest

import hubbub
from hubbub.core.text import reserved_usernames
from hubbub.core.text.reserved_usernames import is_reserved
from hubbub.http.app import openapi_document
from hubbub.services.seed import sample

PACKAGE = Path(hubbub.__file__).parent
CONTRACT = [
    *(
        "account",
        "admin",
        "administrator",
        "all",
        "api",
        "avatar",
        "channel",
        "everyone",
        "export",
        "help",
        "here",
    ),
    *("hubbub", "me", "moderator", "null", "profile", "public", "root", "security", "settings", "staff"),
    *("support", "system"),
]
# Where a username is written, and why it cannot be a reserved one that a user chose.
WRITERS = {
    "services/accounts/registration.py:_register": "checked_username, or usernames(), without them",
    "services/accounts/identities.py:_register": "usernames()",
    "services/accounts/deletion.py:_anonymize": "a name that begins with `deleted-`, for a deleted account",
    "services/seed/seed.py:_new_user": "names of sample people, none of which is reserved (tested below)",
}


@pytest.mark.parametrize("name", [*CONTRACT, "deleted", "deleted-ada", "deletedish"])
def test_the_specified_names_are_reserved(name):
    assert is_reserved(name)
    assert is_reserved(name.upper())


@pytest.mark.parametrize("name", sorted(reserved_usernames.reserved_names()))
def test_each_name_is_reserved_in_every_disguise(name):
    digits = name.translate(str.maketrans("oeatb", "03478"))

    assert name == name.lower()
    for disguise in (name, name.upper(), f"{name}_", name[0] + "." + name[1:], digits):
        assert is_reserved(disguise), disguise


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ada",
            "ali",
            "alia",
            "allan",
            "adam",
            "edmin",
            "adminka",
            "mel",
            "meg",
            "sam",
            "user",
            "user-2",
            "user5",
            "user_5",
            "room5",
            "ada.admin",
        ),
        *(
            "owner",
            "guest",
            "member",
            "mod",
            "supporter",
            "rooter",
            "systema",
            "helpful",
            "delete",
            "mia",
            "anna",
        ),
    ],
)
def test_other_names_are_not_reserved(name):
    assert not is_reserved(name)


@pytest.mark.parametrize("name", ["5upport", "5taff", "acces5-admin5", "u5er5", "admin55"])
def test_a_five_is_a_letter_elsewhere_than_alone_at_the_end(name):
    key = reserved_usernames.look_alike_key(name)
    assert key.removesuffix("5").isalpha()


def test_no_sample_user_has_a_reserved_name():
    assert [name for number in range(400) if is_reserved(name := sample.user_names(number)[0])] == []


def test_no_username_collides_with_a_route_segment():
    paths = [path.split("/") for path in openapi_document("/")["paths"]]
    named = [path for path in paths if "{username}" in path]
    shared = {
        other[place]
        for path in named
        for place in [path.index("{username}")]
        for other in paths
        if len(other) > place and other[:place] == path[:place] and not other[place].startswith("{")
    }

    assert {"profile", "account"} <= shared
    assert [segment for segment in shared if not is_reserved(segment)] == []


def _writers(path: Path) -> set[str]:
    found = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            place = f"{path.relative_to(PACKAGE).as_posix()}:{function.name}"
            found |= {place for node in ast.walk(function) if _writes(node)}
    return found


def _writes(node: ast.AST) -> bool:
    """Return whether the node writes a username to a row of users."""
    if isinstance(node, ast.Call) and any(each.arg == "username" for each in node.keywords):
        return ast.unparse(node.func).endswith(("models.User", ".update", ".create", ".update_or_create"))
    return isinstance(node, ast.Assign) and any(
        isinstance(each, ast.Attribute) and each.attr == "username" for each in node.targets
    )


def test_every_writer_of_usernames_is_listed():
    found = {place for path in (PACKAGE / "services").glob("**/*.py") for place in _writers(path)}

    assert found == set(WRITERS)
