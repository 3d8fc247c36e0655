"""Keys of cached responses: the same for the same query, and none for what clients can think of."""

import pytest

from hubbub.core.errors import NotFound
from hubbub.schemas.base import encode, parse
from hubbub.schemas.portfolio import public as wire
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.services.portfolio import public


def query_of(resource, **given):
    return parse(wire.list_query(BY_NAME[resource]), {"username": "ada", **given})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"page": 1, "limit": 20, "sort": None}),
        ({"sort": "title,-created_at"}, {"sort": " title , -created_at "}),
        ({"featured": True}, {"featured": True, "query": None}),
    ],
)
def test_queries_that_mean_the_same_have_one_key(first, second):
    resource = BY_NAME["projects"]

    keys = {public._list_key(resource, query_of("projects", **each)) for each in (first, second)}

    assert len(keys) == 1


def test_different_queries_have_different_keys():
    given = [{}, {"page": 2}, {"limit": 2}, {"sort": "title"}, {"sort": "-title"}, {"featured": False}]
    given += [{"featured": True}, {"query": "a"}, {"tags": "a"}, {"technologies": "a"}]
    resource = BY_NAME["projects"]

    assert len({public._list_key(resource, query_of("projects", **each)) for each in given}) == len(given)


@pytest.mark.parametrize(
    ("resource", "given", "is_kept"),
    [
        ("projects", {}, True),
        ("projects", {"page": 25, "limit": 20}, True),
        ("projects", {"page": 26, "limit": 20}, False),
        ("projects", {"page": 999_999}, False),
        ("projects", {"featured": True, "sort": "title,-created_at"}, True),
        ("projects", {"sort": "title,title,title"}, False),
        ("projects", {"query": "steel"}, False),
        ("projects", {"tags": "steel"}, False),
        ("experiences", {"company_id": "0192f000-0000-7000-8000-000000000000"}, False),
        ("contacts", {"platform": "web"}, False),
        ("skills", {"category": "tool"}, True),
    ],
)
def test_lists_of_a_few_kinds_are_kept(resource, given, is_kept):
    assert public._is_cacheable(BY_NAME[resource], query_of(resource, **given)) is is_kept


@pytest.mark.parametrize("username", ["", "\x00", "x" * 33, "\ud800", "no such user"])
async def test_what_is_no_username_takes_no_row(container, username):
    with pytest.raises(NotFound):
        await public.access(container, username)


async def test_what_is_not_public_is_not_rendered(container, ada):
    bodies = []

    def to_body(view):
        bodies.append(encode(view))
        return bodies[-1]

    with pytest.raises(NotFound):
        await public.read_portfolio(container, "ada", to_body)

    assert bodies == []
