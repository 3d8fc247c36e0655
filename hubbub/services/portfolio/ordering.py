"""The order of items that users arrange."""

from hubbub.core import clock
from hubbub.core.errors import InvalidPayload
from hubbub.queries.portfolio import items, lists, rows
from hubbub.queries.portfolio.lists import Selection
from hubbub.schemas.base import View
from hubbub.schemas.portfolio import items as wire
from hubbub.schemas.portfolio.resource import Resource
from hubbub.services.context import Context
from hubbub.services.portfolio import versions

NOT_AN_ITEM = "There is no such {noun} of yours."
INCOMPLETE = "Must contain the ids of all items; {count} of them are missing."


async def reorder(ctx: Context, resource: Resource, command: wire.ItemIds) -> list[View]:
    """Set the order of all items, and return them. Of concurrent calls the last one has effect.

    Raises InvalidPayload unless the ids are those of all items.
    """
    async with ctx.unit() as unit:
        await versions.touch(unit, ctx.user_id)
        own = set(await items.ids(unit.tx, resource, ctx.user_id))
        foreign = [
            (f"ids[{position}]", NOT_AN_ITEM.format(noun=resource.noun))
            for position, item_id in enumerate(command.ids)
            if item_id not in own
        ]
        missing = len(own - set(command.ids))
        if foreign or missing:
            raise InvalidPayload(
                fields=(*foreign, *([("ids", INCOMPLETE.format(count=missing))] if missing else []))
            )
        await items.set_order(unit.tx, resource, ctx.user_id, command.ids, clock.now())
        found = await lists.page(unit.tx, resource, ctx.user_id, Selection())
    return [rows.to_view(resource, each) for each in found.items]
