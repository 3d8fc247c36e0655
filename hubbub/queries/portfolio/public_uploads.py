"""Which uploads a public portfolio shows: generated from the descriptions of the resources."""

from hubbub.schemas.portfolio import profile
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES


def is_visible(resource: Resource) -> str:
    """Return the condition that an item `i` is neither deleted nor hidden."""
    hidden = f' AND i."{resource.hidden_unless}"' if resource.hidden_unless is not None else ""
    return f"i.deleted_at IS NULL{hidden}"


def _is_of_item(resource: Resource) -> str:
    return (
        f"p.{resource.switch} AND EXISTS (SELECT 1 FROM upload_references r "
        f"JOIN {resource.table} i ON i.id = r.target_id "
        f"WHERE r.upload_id = u.id AND r.kind = '{resource.name}' AND {is_visible(resource)})"
    )


def _conditions() -> list[str]:
    found = [_is_of_item(each) for each in RESOURCES if each.upload_fields]
    resume = (
        "EXISTS (SELECT 1 FROM upload_references r "
        f"WHERE r.upload_id = u.id AND r.kind = '{profile.RESUME_REFERENCE}')"
    )
    return [*found, resume]


# Of the upload `u` of the user `o` with the profile `p`, if any. `{now}` is a placeholder for the time.
IS_SHOWN = (
    "(p.is_public AND o.deleted_at IS NULL AND (o.suspended_at IS NULL OR o.suspended_until <= {now}) AND ("
    + " OR ".join(f"({each})" for each in _conditions())
    + "))"
)
