"""Random operations by several users: a client fed by events has exactly the state of the server."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.journeys.conftest import Connect
from tests.journeys.device import ChangeNotifier, Device, register
from tests.support.client_model import Json
from tests.support.live_instance import LiveInstance

PEOPLE = 4
COUNTED = ("last_read_seq", "unread", "mentions")
EMOJI = ("👍", "🎉", "❤️", "👩‍🚀")
REFUSALS = {"forbidden", "not_found", "not_a_member", "conflict", "invalid_payload"}


class Step(NamedTuple):
    """A user and an operation. `a`, `b` and `c` select among the existing rooms, messages and users."""

    who: int
    what: str
    a: int
    b: int
    c: int


class ModelUser:
    """A user with one or two clients."""

    def __init__(self, login: Json, devices: list[Device]) -> None:
        self.signed = login
        self.devices = devices
        self.id: str = login["user"]["id"]
        self.name: str = login["user"]["username"]


class Play:
    """One example: its users, and its rooms and messages so far."""

    def __init__(self, instance: LiveInstance, users: list[ModelUser]) -> None:
        self.instance = instance
        self.users = users
        self.rooms: list[str] = []
        self.messages: list[str] = []
        self.tag = uuid4().hex[:8]
        self.refused = 0

    async def step(self, step: Step) -> None:
        """Run one operation of one user, on the client whose turn it is."""
        user = self.users[step.who]
        device = user.devices[step.b % len(user.devices)]
        if step.what == "go":
            if device.up.is_set():
                await device.disconnect()
        elif not device.up.is_set():
            await self.back(device)
        else:
            await _DO[step.what](self, user, device, step)

    async def in_turn(self, steps: list[Step]) -> None:
        """Run one user's operations in sequence."""
        for step in steps:
            await self.step(step)

    async def gather(self) -> None:
        """Reconnect all clients."""
        for device in self.devices:
            if not device.up.is_set():
                await self.back(device)

    @property
    def devices(self) -> list[Device]:
        return [device for user in self.users for device in user.devices]

    async def back(self, device: Device) -> None:
        """Reconnect. `ready` contains new entries, and read marks set elsewhere."""
        await device.connect()

    async def ask(self, device: Device, event: str, **payload: Any) -> Json | None:
        """Return the data of an ack, or None for an expected refusal."""
        answer = await device.ask(event, **payload)
        if not answer["ok"]:
            assert answer["error"]["code"] in REFUSALS, (event, payload, answer)
            self.refused += 1
            return None
        data: Json = answer["data"]
        return data

    def room(self, step: Step, device: Device) -> str:
        """A room: mostly one that the device is in."""
        own = [room_id for room_id in self.rooms if room_id in device.mirror.rooms]
        some = own if own and step.b % 6 else self.rooms
        return some[step.a % len(some)]

    def message(self, step: Step, device: Device) -> str:
        """Select a message: mostly a recent one that the client has."""
        own = [
            it for it in self.messages if any(it in room.messages for room in device.mirror.rooms.values())
        ]
        some = own if own and step.a % 6 else self.messages
        return some[-1 - step.b % len(some)] if some else str(uuid4())

    def other(self, step: Step) -> ModelUser:
        return self.users[step.c % len(self.users)]

    def body(self, step: Step) -> str:
        name = self.other(step).name
        kinds = ("hello", f"@{name} look 👀", f"`@{name}` is code", f"für @{name}, und @{name}!", "汉字 🏳️‍🌈")
        return f"{kinds[step.b % len(kinds)]} {step.a}"


# --- operations of users ---


async def _create(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    kind = ("public", "private", "direct")[step.a % 3]
    name = f"room {play.tag} {len(play.rooms) if step.b % 4 else 0}"
    chosen = [each.id for index, each in enumerate(play.users) if step.c >> index & 1]
    others = [play.other(step).id] if kind == "direct" else chosen
    fields = {"kind": kind, "member_ids": others, **({"name": name} if kind == "public" else {})}
    if (made := await play.ask(device, "room:create", **fields)) is not None:
        device.added(made["room"])
        if made["room"]["id"] not in play.rooms:
            play.rooms.append(made["room"]["id"])


async def _join(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    if (joined := await play.ask(device, "room:join", room_id=play.room(step, device))) is not None:
        device.added(joined["room"])


async def _leave(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await play.ask(device, "room:leave", room_id=play.room(step, device))


async def _invite(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await play.ask(device, "room:invite", room_id=play.room(step, device), user_id=play.other(step).id)


async def _remove(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await play.ask(device, "room:remove", room_id=play.room(step, device), user_id=play.other(step).id)


async def _set_role(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    role = ("owner", "moderator", "member")[step.b % 3]
    await play.ask(
        device, "room:set_role", room_id=play.room(step, device), user_id=play.other(step).id, role=role
    )


async def _send(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    fields = {"reply_to": play.message(step, device)} if step.c % 5 == 0 and play.messages else {}
    sent = await play.ask(
        device,
        "message:send",
        room_id=play.room(step, device),
        client_id=str(uuid4()),
        body=play.body(step),
        **fields,
    )
    if sent is not None:
        play.messages.append(sent["message"]["id"])


async def _edit(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await play.ask(device, "message:edit", message_id=play.message(step, device), body=play.body(step))


async def _delete(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await play.ask(device, "message:delete", message_id=play.message(step, device))


async def _react(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    emoji = EMOJI[step.c % len(EMOJI)]
    await play.ask(device, "reaction:add", message_id=play.message(step, device), emoji=emoji)


async def _unreact(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    emoji = EMOJI[step.c % len(EMOJI)]
    await play.ask(device, "reaction:remove", message_id=play.message(step, device), emoji=emoji)


async def _read(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await _mark(play, device, "room:read", step)


async def _mark_unread(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    await _mark(play, device, "room:mark_unread", step)


async def _mark(play: Play, device: Device, event: str, step: Step) -> None:
    room_id = play.room(step, device)
    if (state := await play.ask(device, event, room_id=room_id, seq=step.c - 2)) is not None:
        device.read(room_id, state["last_read_seq"])


async def _mute(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    muted, room_id = bool(step.c % 2), play.room(step, device)
    if await play.ask(device, "room:mute", room_id=room_id, muted=muted) is not None:
        device.mirror.on_muted(room_id, muted)


async def _update(play: Play, _: ModelUser, device: Device, step: Step) -> None:
    names = {"name": f"room {play.tag} {step.c % 3}"} if step.b % 2 else {}
    topics = {"topic": f"topic {step.c}"} if step.b % 3 else {}
    await play.ask(device, "room:update", room_id=play.room(step, device), **names, **topics)


_DO: dict[str, Callable[[Play, ModelUser, Device, Step], Awaitable[None]]] = {
    "create": _create,
    "join": _join,
    "leave": _leave,
    "invite": _invite,
    "remove": _remove,
    "set_role": _set_role,
    "send": _send,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "unreact": _unreact,
    "read": _read,
    "mark_unread": _mark_unread,
    "mute": _mute,
    "update": _update,
}
OFTEN = ("send", "send", "send", "send", "react", "react", "edit", "invite", "join", "go")

numbers = st.integers(0, 30)
steps = st.builds(
    Step, st.integers(0, PEOPLE - 1), st.sampled_from(OFTEN + tuple(_DO)), numbers, numbers, numbers
)
# Steps in one group run concurrently if they are of several users.
programs = st.lists(st.lists(steps, min_size=1, max_size=5), min_size=20, max_size=40)


# --- what must be so afterwards ---


async def listed(http: aiohttp.ClientSession, path: str, **query: Any) -> list[Json]:
    """All that a list of REST has."""
    async with http.get(path, params=query) as answer:
        body = await answer.json()
        assert answer.status == 200, body
        assert body.get("next_cursor") is None
        assert not body.get("has_more")
        data: list[Json] = body["data"]
        return data


async def caught_up(device: Device, ends: dict[str, int], notifier: ChangeNotifier) -> None:
    """Wait until a device has all rooms up to their ends."""

    def done() -> bool:
        known = (
            device.mirror.cursors() == ends
            and not device.mirror.rooms_behind()
            and not device.mirror.rooms_in_doubt()
        )
        return known or bool(device.violations)

    await notifier.until(done, lambda: f"{device.name} has {device.mirror.cursors()}, not {ends}", 10.0)
    assert device.violations == []


async def compare(user: ModelUser, url: str, notifier: ChangeNotifier) -> dict[str, int]:
    """Compare the model of each client of a user with REST. Returns the ends of the rooms."""
    headers = {"Authorization": f"Bearer {user.signed['access_token']}"}
    async with aiohttp.ClientSession(f"{url}/api/v1/", headers=headers) as http:
        rooms = {room["id"]: room for room in await listed(http, "rooms", limit=200)}
        ends = {room_id: room["last_seq"] for room_id, room in rooms.items()}
        for device in user.devices:
            await caught_up(device, ends, notifier)
        for room_id, room in rooms.items():
            members = await listed(http, f"rooms/{room_id}/members", limit=200)
            history = await listed(http, f"rooms/{room_id}/messages", limit=100)
            for device in user.devices:
                known = device.mirror.rooms[room_id]
                assert known.as_listed() == room
                assert known.counts.as_my() == {name: room["my"][name] for name in COUNTED}
                assert known.as_members() == [{"user": it["user"], "role": it["role"]} for it in members]
                assert known.as_history() == history
    return ends


def compare_logs(devices: list[Device]) -> None:
    """All members of a room have the same log, entry by entry."""
    for room_id in {room_id for device in devices for room_id in device.mirror.rooms}:
        first, *others = [
            device.mirror.rooms[room_id] for device in devices if room_id in device.mirror.rooms
        ]
        assert [payload["seq"] for _, payload in first.log] == list(range(1, first.cursor + 1))
        for other in others:
            assert other.as_log() == first.as_log()


async def play(
    instance: LiveInstance, notifier: ChangeNotifier, devices: Connect, program: list[list[Step]]
) -> Play:
    """New users run the program. Then all clients are compared with each other and with new clients."""
    tag = uuid4().hex[:6]
    logins = [await register(instance.url, f"p{index}_{tag}") for index in range(PEOPLE)]
    users = [ModelUser(each, [await devices(instance.url, each)]) for each in logins]
    users[0].devices.append(await devices(instance.url, logins[0], "polling"))
    users[1].devices.append(await devices(instance.url, logins[1]))
    made = Play(instance, users)
    try:
        await made.step(Step(0, "create", 1, 0, 0b1111))
        for together in program:
            by_person = groupby(sorted(together, key=lambda step: step.who), key=lambda step: step.who)
            await asyncio.gather(*[made.in_turn(list(steps)) for _, steps in by_person])
        await made.gather()
        for user in users:
            user.devices.append(await devices(instance.url, user.signed))
            await compare(user, instance.url, notifier)
        compare_logs(made.devices)
        assert [device.violations for device in made.devices if device.violations] == []
        assert [device.mirror.resets for device in made.devices if device.mirror.resets] == []
    finally:
        for device in made.devices:
            await device.disconnect()
    return made


@pytest.mark.parametrize(
    ("examples", "search"),
    [
        # The same examples each time, or new ones, of which failing ones are shrunk.
        pytest.param(10, False, marks=pytest.mark.slow("6 s: programs of many operations on three devices")),
        pytest.param(500, True, marks=[pytest.mark.soak, pytest.mark.timeout(900)]),
    ],
)
async def test_the_client_model_equals_the_state_of_the_server(
    instance, notifier, devices, figures, examples, search
) -> None:
    done: list[tuple[int, ...]] = []

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=not search,
        database=None,
        phases=[Phase.generate, Phase.shrink] if search else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(programs)
    def run(program: list[list[Step]]) -> None:
        made = asyncio.run_coroutine_threadsafe(play(instance, notifier, devices, program), loop).result(60)
        done.append((sum(map(len, program)), len(made.rooms), len(made.messages), made.refused))

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(run)
    operations, rooms, messages, refused = (sum(column) for column in zip(*done, strict=True))
    figures(
        f"{len(done)} examples: {operations} operations, {refused} refused, "
        f"{rooms} rooms, {messages} messages"
    )
