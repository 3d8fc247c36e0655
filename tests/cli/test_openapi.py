"""`hubbub openapi`."""

import json

from openapi_spec_validator import validate


def test_the_command_prints_a_valid_document(run):
    result = run("openapi")

    assert result.exit_code == 0
    document = json.loads(result.stdout)
    validate(document)
    assert document["paths"]["/api/v1/auth/login"]["post"]["operationId"] == "auth.login"


def test_it_prints_a_postman_collection(run):
    result = run("openapi", "--postman")

    assert result.exit_code == 0
    collection = json.loads(result.stdout)
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    assert any(folder["name"] == "auth" for folder in collection["item"])
