"""Each operation has a recorded example that fits the schemas: `make examples` records them."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from hubbub.http.openapi import examples
from tests.support import api_examples
from tests.support.api_contract import ApiContract

CONTRACT = ApiContract()
OPERATIONS = {operation["operationId"]: (path, operation) for _, path, operation in CONTRACT.operations()}
JSON = "application/json"


def faults(schema, value):
    validator = Draft202012Validator({**schema, "components": CONTRACT.document["components"]})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_each_operation_has_an_example_and_no_other_has():
    assert set(examples.load()) == set(OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_example_fits_the_document(name):
    (path, operation), example = OPERATIONS[name], examples.load()[name]
    response = operation["responses"][str(example.status)]
    body = operation.get("requestBody", {}).get("content", {}).get(JSON)
    content = response.get("content", {}).get(JSON)

    assert set(example.path) == {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert set(example.query) <= {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    assert example.request is None or body is not None, path
    assert example.request is not None or body is None or not operation["requestBody"]["required"], path
    assert (content is None) == (example.response is None), path
    assert example.request is None or (faults(body["schema"], example.request) == [] and "example" in body)
    assert content is None or (faults(content["schema"], example.response) == [] and "example" in content)


def test_an_example_that_does_not_fit_is_found():
    schema = CONTRACT.document["components"]["schemas"]["User"]

    assert faults(schema, {"id": 7}) != []


def test_the_test_that_records_examples_exists():
    path, name = api_examples.TEST.split("::")

    assert f"def {name}(" in (Path(__file__).parents[3] / path).read_text()
