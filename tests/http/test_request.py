"""Bodies, query strings and addresses, as any route reads them."""

import io
import json
from uuid import uuid4

import pytest

from hubbub.schemas.base import Command

GOOD = {"name": "Ada", "email": "ada@example.org", "password": "long enough"}
LARGEST = 1 << 20


@pytest.fixture
def database_kind():
    return "sqlite"


async def register(instance, body, content_type="application/json"):
    headers = {"Content-Type": content_type} if content_type else {}
    return await instance.rest("POST", "/auth/register", data=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'name': 'Ada'}",
        b'{"name": "Ada",}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"name": "Ada"}',
        b'{"name": "\x00"}',
        b'{"name": "\\ud800"}',
        b"{} {}",
        b"[" * 100_000,
        b'{"name":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b"name=Ada",
        b" ",
    ],
)
async def test_invalid_json_is_refused(instance, body):
    status, answer = await register(instance, body)

    assert (status, answer["code"], answer["title"]) == (400, "invalid_json", "Bad request")


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b"7", b'"text"', b"[{}]", b"true", b'{"name": 1e400}', b'{"a": ' + b"9" * 5000 + b"}"],
)
async def test_json_that_is_not_a_command_is_refused(instance, body):
    status, answer = await register(instance, body)

    assert (status, answer["code"]) == (422, "invalid_payload")


async def test_the_last_of_duplicate_fields_counts(instance):
    body = json.dumps(GOOD).encode().replace(b'"Ada"', b'"Eve", "name": "Ada"')

    status, answer = await register(instance, body)

    assert (status, answer["data"]["user"]["display_name"]) == (201, "Ada")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        None,
    ],
)
async def test_another_content_type_is_refused(instance, content_type):
    status, answer = await register(instance, json.dumps(GOOD).encode(), content_type)

    assert (status, answer["code"]) == (415, "unsupported_media_type")


async def test_a_charset_is_ignored(instance):
    assert (await register(instance, json.dumps(GOOD), "Application/JSON; charset=latin-1"))[0] == 201


async def test_a_missing_body_lacks_its_fields(instance):
    status, answer = await register(instance, b"", None)

    assert (status, answer["errors"][0]["field"]) == (422, "name")


async def test_a_body_is_limited_by_its_route(instance):
    ada = await instance.register("ada")
    most = Command.max_body_bytes
    note = json.dumps({"display_name": "Ada"}).encode()
    kind = {"Content-Type": "application/json"}

    async def change(body):
        return await ada.rest("PATCH", "/users/profile", data=io.BytesIO(body), headers=kind)

    assert (await change(note.ljust(most)))[0] == 200
    status, answer = await change(note.ljust(most + 1))
    assert (status, answer["code"]) == (413, "too_large")


async def test_the_longest_message_fits_with_any_escapes(instance):
    room_id, [_] = await instance.room_with_clients("ada")
    body = json.dumps({"client_id": str(uuid4()), "body": "🌍" * 8000})
    assert len(body) > 90_000

    status, _ = await instance.users["ada"].rest(
        "POST", f"/rooms/{room_id}/messages", data=body, headers={"Content-Type": "application/json"}
    )

    assert status == 201


@pytest.mark.parametrize("opening", ["[", '{"a":'])
async def test_unbounded_nesting_is_refused(instance, opening):
    status, answer = await register(instance, (opening * 100_000).encode())

    assert (status, answer["code"]) == (400, "invalid_json")


async def test_a_body_with_passwords_is_limited_to_a_mebibyte(instance):
    body = json.dumps(GOOD).encode()

    assert (await register(instance, io.BytesIO(body.ljust(LARGEST))))[0] == 201
    status, answer = await register(instance, io.BytesIO(body.ljust(LARGEST + 1)))
    assert (status, answer["code"]) == (413, "too_large")


async def test_text_that_no_database_stores_is_refused(instance):
    status, answer = await register(instance, json.dumps({**GOOD, "password": "nul\x00nul-nul"}))

    assert (status, answer["errors"][0]["field"]) == (422, "password")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
        ("limit=1e1", "limit"),
        ("limit=٣", "limit"),
        ("limit=%00", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=%00", "cursor"),
        (f"cursor={'x' * 201}", "cursor"),
    ],
)
async def test_an_invalid_page_is_refused(instance, query, field):
    user = await instance.register()

    status, answer = await user.rest("GET", f"/rooms?{query}")

    assert (status, answer["code"]) == (422, "invalid_payload"), answer
    assert [each["field"] for each in answer["errors"]] == [field]


@pytest.mark.parametrize(
    "query", ["", "q=", "query=words", f"q={'x' * 501}", "q=%00", "q=a&limit=101", "q=a&room_id=x"]
)
async def test_an_invalid_search_is_refused(instance, query):
    user = await instance.register()

    status, answer = await user.rest("GET", f"/messages/search?{query}")

    assert (status, answer["code"]) == (422, "invalid_payload")
    expected = "limit" if "limit" in query else "room_id" if "room_id" in query else "q"
    assert [each["field"] for each in answer["errors"]] == [expected]


async def test_unknown_query_parameters_are_ignored(instance):
    user = await instance.register()

    assert (await user.rest("GET", "/rooms?limit=1&_=1234"))[0] == 200


ADDRESSES = [
    ("GET", "/rooms/{}"),
    ("PATCH", "/rooms/{}"),
    ("GET", "/rooms/{}/messages"),
    ("POST", "/rooms/{}/messages"),
    ("GET", "/rooms/{}/members"),
    ("POST", "/rooms/{}/members"),
    ("POST", "/rooms/{}/join"),
    ("POST", "/rooms/{}/leave"),
    ("POST", "/rooms/{}/read"),
    ("PATCH", "/rooms/{0}/members/{0}"),
    ("DELETE", "/rooms/{0}/members/{0}"),
    ("GET", "/messages/{}"),
    ("PATCH", "/messages/{}"),
    ("DELETE", "/messages/{}"),
    ("PUT", "/messages/{}/reactions/%F0%9F%91%8D"),
    ("DELETE", "/messages/{}/reactions/%F0%9F%91%8D"),
]
BODIES = {
    "/rooms/{}/messages": {"client_id": str(uuid4()), "body": "hello"},
    "/rooms/{}/members": {"user_id": str(uuid4())},
    "/rooms/{}/read": {"seq": 1},
    "/rooms/{0}/members/{0}": {"role": "member"},
    "/messages/{}": {"body": "hello"},
}


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
async def test_an_unknown_id_is_not_found(instance, method, path):
    user = await instance.register()
    body = BODIES.get(path, {}) if method in ("POST", "PATCH") else None

    for odd in (str(uuid4()), "nonsense", "1", "%00", "%ff", "{" + str(uuid4()) + "}", "x" * 500, "💥"):
        status, answer = await user.rest(method, path.format(odd), json=body)
        assert (status, answer["code"]) == (404, "not_found"), odd


async def test_a_field_of_the_path_is_not_repeated_in_the_body(instance):
    room_id, _ = await instance.room_with_clients("ada")

    body = {"room_id": room_id, "topic": "elsewhere"}
    status, answer = await instance.users["ada"].rest("PATCH", f"/rooms/{room_id}", json=body)

    assert (status, answer["errors"][0]["field"]) == (422, "room_id")
