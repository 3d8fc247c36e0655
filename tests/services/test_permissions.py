"""The permissions of each role, and which role acts on which."""

import pytest

from hubbub.core.errors import Forbidden
from hubbub.services import permissions
from hubbub.services.permissions import ROLE_PERMISSIONS, Permission


def test_each_role_includes_the_permissions_of_the_one_before():
    assert list(ROLE_PERMISSIONS) == ["user", "moderator", "admin"]
    assert ROLE_PERMISSIONS["user"] == frozenset()
    assert (
        ROLE_PERMISSIONS["user"]
        < ROLE_PERMISSIONS["moderator"]
        < ROLE_PERMISSIONS["admin"]
        == set(Permission)
    )


def test_moderators_may_read_and_suspend():
    only_admins = ROLE_PERMISSIONS["admin"] - ROLE_PERMISSIONS["moderator"]
    assert only_admins == {
        *(Permission.SET_ROLES, Permission.DELETE_USERS, Permission.READ_HEALTH, Permission.ANNOUNCE),
        *(Permission.READ_JOB_PAYLOADS, Permission.MANAGE_JOBS),
    }


@pytest.mark.parametrize("role", ["user", "", "root", "ADMIN"])
def test_an_unlisted_role_has_no_permission(role):
    for permission in Permission:
        with pytest.raises(Forbidden):
            permissions.check(role, permission)


def test_the_table_decides_which_role_acts_on_which():
    roles = list(ROLE_PERMISSIONS)
    able = {(role, other) for role in roles for other in roles if permissions.outranks(role, other)}
    assert able == {("moderator", "user"), ("admin", "user"), ("admin", "moderator"), ("admin", "admin")}
    assert not permissions.outranks("root", "user")


def test_the_error_names_the_permitted_roles():
    with pytest.raises(Forbidden, match="Only moderators and admins are allowed to do this"):
        permissions.check("user", Permission.READ_USERS)
