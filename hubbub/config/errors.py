"""Mistakes in settings, described in one line each."""

from collections.abc import Iterable

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hubbub.config.fields import env_name
from hubbub.config.production import Findings

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "path_type": "a path",
    "string_type": "text",
    "string_too_short": "non-empty",
}


class ConfigError(Exception):
    """Settings that can't be used. `lines` describe one mistake each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def describe_errors(error: ValidationError) -> list[str]:
    """Return one line for each wrong field. A line repeats the value only if it is not a secret."""
    # A default that could not be computed follows from another mistake, which has a line.
    found = [item for item in error.errors(include_url=False) if item["type"] != "default_factory_not_called"]
    return [f"{env_name(str(item['loc'][0]))}: {_reason(item)}" for item in found]


def describe_rejections(found: Findings) -> list[str]:
    """Return one line for each field that production refuses."""
    return [f"{env_name(name)}: {reason}." for name, reason in found.rejections]


def sort_by_field(found: Iterable[str], model: type[BaseModel]) -> list[str]:
    """Return lines in the order of the fields, followed by lines that concern no field."""
    order = {env_name(name): place for place, name in enumerate(model.model_fields)}
    return sorted(found, key=lambda line: order.get(line.partition(":")[0], len(order)))


def _reason(item: ErrorDetails) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "value_error":
        text = str(context["error"])
        return text if text.endswith("?") else f"{text}."
    if kind == "extra_forbidden":
        return "there is no such setting."
    if kind == "literal_error":
        expected = f"{context['expected']}".replace("'", "")
    elif kind == "greater_than_equal":
        expected = f"{context['ge']:.0f} or more"
    elif kind == "less_than_equal":
        expected = f"{context['le']:.0f} or less"
    elif kind == "greater_than":
        expected = f"more than {context['gt']:.0f}"
    else:
        expected = _EXPECTED.get(kind, "another value")
    return f'must be {expected}, not "{item["input"]}".'
