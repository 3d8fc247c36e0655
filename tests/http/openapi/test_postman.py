"""The Postman collection has every operation, with its example."""

import json

from hubbub.http.app import openapi_document
from hubbub.http.openapi import postman

DOCUMENT = openapi_document("https://chat.example.com/")
COLLECTION = postman.collection(DOCUMENT)
ITEMS = {item["name"]: item for folder in COLLECTION["item"] for item in folder["item"]}


def test_each_operation_is_in_the_folder_of_its_tag():
    expected = {
        (operation["tags"][0], operation["summary"])
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
    }

    assert {
        (folder["name"], item["name"]) for folder in COLLECTION["item"] for item in folder["item"]
    } == expected


def test_the_base_url_and_the_access_token_are_variables():
    assert COLLECTION["info"]["schema"] == postman.SCHEMA
    assert [each["key"] for each in COLLECTION["variable"]] == ["base_url", "access_token"]
    assert COLLECTION["variable"][0]["value"] == "https://chat.example.com"
    assert COLLECTION["auth"]["bearer"][0]["value"] == "{{access_token}}"


def test_a_request_has_the_example_of_its_operation():
    item = ITEMS["Send a message"]
    request = item["request"]

    assert (request["method"], request["url"]["raw"]) == (
        "POST",
        "{{base_url}}/api/v1/rooms/:room_id/messages",
    )
    assert request["url"]["variable"][0]["key"] == "room_id"
    assert request["url"]["variable"][0]["value"] != ""
    assert "auth" not in request
    assert json.loads(request["body"]["raw"])["body"] == "a green leaf"
    assert item["response"][0]["code"] == 201
    assert json.loads(item["response"][0]["body"])["data"]["body"] == "a green leaf"


def test_a_public_operation_sends_no_token():
    assert ITEMS["Log in with a password"]["request"]["auth"] == {"type": "noauth"}


def test_optional_query_parameters_are_disabled():
    query = {each["key"]: each for each in ITEMS["Search messages by words"]["request"]["url"]["query"]}

    assert (query["q"]["value"], query["q"]["disabled"]) == ("leaf", False)
    assert query["limit"]["disabled"]
    assert query["limit"]["description"] == "Messages on a page."


def test_a_file_is_a_field_of_a_form():
    body = ITEMS["Upload an image"]["request"]["body"]

    assert body == {"mode": "formdata", "formdata": [{"key": "file", "type": "file", "src": []}]}
