"""The SQL of the hot path that no other test covers."""

from uuid import UUID, uuid4

from hubbub import models
from hubbub.db import database
from hubbub.queries.eventlog import event_log
from hubbub.queries.eventlog.event_log import LogEnd
from tests.support.live_instance import LiveInstance


async def test_only_changed_logs_are_read(instance: LiveInstance) -> None:
    rooms = [
        UUID((await instance.room_with_clients(*names))[0]) for names in (("ada", "bob"), ("eve", "joe"))
    ]
    sql = database.connection()
    known = await event_log.log_ends(sql, rooms)
    assert await event_log.changed(sql, known) == {}

    await instance.users["ada"].rest(
        "POST", f"/rooms/{rooms[0]}/messages", json={"client_id": str(uuid4()), "body": "x"}
    )
    assert await event_log.changed(sql, known) == {rooms[0]: LogEnd(known[rooms[0]].last_seq + 1, 2)}

    await models.Room.filter(id=rooms[1]).update(member_count=7)
    assert await event_log.changed(sql, known) == {
        rooms[0]: LogEnd(known[rooms[0]].last_seq + 1, 2),
        rooms[1]: LogEnd(known[rooms[1]].last_seq, 7),
    }
    assert await event_log.changed(sql, {uuid4(): LogEnd(0, 0)}) == {}
