"""/admin/realtime: who is connected, and to what."""

from hubbub import models


async def test_connections_rooms_and_instances_are_listed(instance):
    room_id, (_, bob) = await instance.room_with_clients("ada", "bob")
    mod = await instance.register("mod")
    assert (await mod.rest("GET", "/admin/realtime"))[0] == 403
    await models.User.filter(id=mod.id).update(role="moderator")

    status, answer = await mod.rest("GET", "/admin/realtime")
    found = answer["data"]
    (here,) = found["instances"]
    assert status == 200
    assert (found["connections"], found["rooms"], found["complete"]) == (2, 2, True)  # general is one, too
    assert (here["id"], here["connections"], here["users"]) == (instance.settings.instance_id, 2, 2)
    assert (here["current"], here["draining"]) == (True, False)
    assert await bob.call("room:members", room_id=room_id)
