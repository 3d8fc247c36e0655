"""Rules between the fields of one item, which need no database."""

from hubbub.queries.portfolio.rows import Values
from hubbub.schemas.portfolio.resource import Resource

Faults = list[tuple[str, str]]  # (field, message)

ENDS_TOO_EARLY = "Must not be before {start}."
HAS_NOT_ENDED = "Must be empty while {flag} is true."
ONE_REQUIRED = "This field or {key} is required."


def faults(resource: Resource, values: Values) -> Faults:
    """Return what is wrong with the values of an item together."""
    return [*_period_faults(resource, values), *_relation_faults(resource, values)]


def _period_faults(resource: Resource, values: Values) -> Faults:
    if resource.period is None:
        return []
    start, end = resource.period
    if values[end] is None:
        return []
    if resource.open_period is not None and values[resource.open_period]:
        return [(end, HAS_NOT_ENDED.format(flag=resource.open_period))]
    if values[start] is not None and values[end] < values[start]:
        return [(end, ENDS_TOO_EARLY.format(start=start))]
    return []


def _relation_faults(resource: Resource, values: Values) -> Faults:
    relation = resource.relation
    if relation is None or values[relation.text] is not None or values[relation.key] is not None:
        return []
    return [(relation.text, ONE_REQUIRED.format(key=relation.key))]
