"""A room with messages that can be searched."""

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.chat import search


class SearchRoom:
    """A room, its only member, and its messages."""

    def __init__(self, room, user):
        self.room = room
        self.user = user
        self._seq = 0

    @classmethod
    async def make(cls):
        name = f"u{ids.uuid7().hex[-12:]}"
        user = await models.User.create(username=name, email=f"{name}@example.org", display_name=name)
        search_room = cls(await models.Room.create(kind="private"), user)
        await search_room.add_member(user)
        return search_room

    async def add_member(self, user):
        await models.Membership.create(room=self.room, user=user, role="member")

    async def say(self, *bodies, by=None):
        """Messages, in one transaction; returns their ids."""
        rows = []
        for body in bodies:
            self._seq += 1
            message = models.Message(
                room_id=self.room.id,
                seq=self._seq,
                sender_id=(by or self.user).id,
                client_id=ids.uuid7(),
                body=body,
                created_at=clock.now(),
            )
            rows.append(message)
        async with database.transaction() as tx:
            await models.Message.bulk_create(rows)
            await search.add(tx, [(row.id, self.room.id, row.body) for row in rows])
        return [row.id for row in rows]

    async def find(self, query, **filters):
        """What its member finds, newest first."""
        given = {"limit": 50, "user_id": self.user.id, **filters}
        return await search.find(database.connection(), query=query, **given)

    async def finds(self, query, **filters):
        """The bodies of it."""
        found = await self.find(query, **filters)
        bodies = {row.id: row.body for row in await models.Message.filter(id__in=found)}
        return [bodies[each] for each in found]
