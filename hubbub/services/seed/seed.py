"""Sample data: people, rooms and what they say. A second time it only adds what is missing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from hubbub import models
from hubbub.config import Settings
from hubbub.core import clock, passwords, secret_files
from hubbub.db import database
from hubbub.schemas.users.users import User
from hubbub.services.chat import rooms
from hubbub.services.seed import generator, sample
from hubbub.services.seed.dev_admin import EMAIL as ADMIN
from hubbub.services.users import users

DOMAIN = "sample.example"  # nobody's (RFC 2606)
PASSWORD_FILE = "sample_password"  # noqa: S105 - the name of a file
CHUNK = 500
PAST = timedelta(days=1)

Told = Callable[[int], None]


class Plan(NamedTuple):
    """How much there shall be."""

    users: int
    rooms: int
    messages: int

    @property
    def total(self) -> int:
        """The steps of the progress."""
        return self.users + self.rooms + self.messages


class Seeded(NamedTuple):
    """What was added, and how to log in as one of the people."""

    users: int
    rooms: int
    messages: int
    email: str
    password: str
    admin: str | None  # the admin who is in the rooms too


class _Place(NamedTuple):
    """A room to be: its people, owner first where it has one."""

    label: str
    kind: str
    name: str | None
    topic: str
    people: list[User]
    owned: bool


async def seed(settings: Settings, plan: Plan, told: Told) -> Seeded:
    """Fill the connected database; `told` hears of each step done. Safe beside a running server.

    People share one password, kept in the data folder. Raises OSError if it can't be kept.
    """
    password = secret_files.load_or_create(settings.data_dir, PASSWORD_FILE, 12)
    people, added = await _people(settings, plan.users, password, told)
    viewer = await _viewer(settings) or people[0]
    places = [_place(settings, number, people, viewer) for number in range(plan.rooms)]
    found = [await _room(place) for place in places]
    told(len(found))
    wanted = _shares(plan.messages, [_has_past(room) for room, _ in found])
    made = written = 0
    for place, (room, new), messages in zip(places, found, wanted, strict=True):
        made += new
        if room.archived_at is not None:  # somebody's, and closed: left alone
            told(messages)
            continue
        await generator.join(room.id, _roles(place), messages)
        written += await generator.talk(room.id, place.label, place.people, messages, told)
    (email, _), *_ = _names(0, 1)
    return Seeded(added, made, written, email, password, ADMIN if viewer.id != people[0].id else None)


async def _people(settings: Settings, count: int, password: str, told: Told) -> tuple[list[User], int]:
    """The people, and how many of them are new."""
    digest = await passwords.digest(password, settings.bcrypt_rounds)
    await _share(password, digest, settings.bcrypt_rounds)
    found: list[User] = []
    added = 0
    for start in range(0, count, CHUNK):
        wanted = dict(_names(start, min(count, start + CHUNK)))
        rows = await _accounts(wanted)
        missing = [email for email in wanted if email not in rows]
        if missing:
            await _register(missing, wanted, digest)
            rows = await _accounts(wanted)
        added += len(missing)
        found += [users.show(rows[email]) for email in wanted]
        told(len(wanted))
    return found, added


def _names(start: int, end: int) -> Iterator[tuple[str, tuple[str, str]]]:
    """E-mail address, which is how a sample person is known again, and names."""
    for number in range(start, end):
        username, shown = sample.person(number)
        yield f"{username}@{DOMAIN}", (username, shown)


async def _register(missing: list[str], names: dict[str, tuple[str, str]], digest: str) -> None:
    """Make accounts; whoever is called like that already keeps the username."""
    same = models.User.filter(username__in=[names[email][0] for email in missing])
    taken = {row.username for row in await same}
    async with database.transaction():
        await models.User.bulk_create(
            [_account(email, *names[email], digest, taken) for email in missing], ignore_conflicts=True
        )


async def _accounts(emails: Iterable[str]) -> dict[str, models.User]:
    return {row.email: row for row in await models.User.filter(email__in=list(emails))}


def _account(email: str, name: str, shown: str, digest: str, taken: set[str]) -> models.User:
    now = clock.now()
    return models.User(
        username=f"{name}.sample" if name in taken else name,
        email=email,
        display_name=shown,
        password_digest=digest,
        email_verified_at=now,
        last_seen_at=now,
        created_at=now - generator.AGE,
    )


async def _share(password: str, digest: str, rounds: int) -> None:
    """Give sample people of an earlier time today's password, should its file have been lost."""
    people = models.User.filter(email__endswith=f"@{DOMAIN}")
    one = await people.first()
    if one is not None and not await passwords.matches(password, one.password_digest, rounds):
        await people.update(password_digest=digest)


async def _viewer(settings: Settings) -> User | None:
    """The development admin, as whom a developer logs in; None where there is none."""
    if settings.env != "development":
        return None
    admin = await models.User.filter(email=ADMIN, deleted_at__isnull=True).first()
    return users.show(admin) if admin is not None else None


def _place(settings: Settings, number: int, people: list[User], viewer: User) -> _Place:
    """The default rooms first, for everybody; then public, private and direct ones in turn.

    `viewer` is in all of them, and one of the two in each direct one.
    """
    if number < len(settings.default_rooms):
        name = settings.default_rooms[number]
        return _Place(name, "public", name, "", _with(people, viewer), owned=False)
    number -= len(settings.default_rooms)
    chance = sample.rng("room", number)
    some = chance.sample(people, min(len(people), chance.randint(3, 12)))
    others = [person for person in people if person.id != viewer.id]
    if number % 5 in (1, 4) and number // 5 * 2 < len(others):
        other = others[(number // 5 * 2 + (number % 5 == 4)) % len(others)]  # noqa: PLR2004 - the fourth of five
        return _Place(f"direct-{other.username}", "direct", None, "", [other, viewer], owned=False)
    name, topic = sample.place(number)
    kind = "private" if number % 5 == 3 else "public"  # noqa: PLR2004 - each fifth
    return _Place(name, kind, name, topic, _with(some, viewer), owned=True)


def _with(people: list[User], viewer: User) -> list[User]:
    return people if any(person.id == viewer.id for person in people) else [*people, viewer]


def _roles(place: _Place) -> list[tuple[User, str]]:
    roles = ["owner", "moderator"] if place.owned else []
    return [
        (person, roles[index] if index < len(roles) else "member")
        for index, person in enumerate(place.people)
    ]


def _has_past(room: models.Room) -> bool:
    """Whether the room's log ended so long ago that days of messages fit behind it."""
    return clock.now() - room.last_entry_at > PAST or room.created_at < clock.now() - PAST


def _shares(messages: int, past: list[bool]) -> list[int]:
    """Messages for each room: the first gets most, and few one whose messages would all be of today."""
    weights = [1 / (index + 1) if long else 0.001 for index, long in enumerate(past)]
    shares = [int(messages * weight / sum(weights)) for weight in weights]
    if shares:
        shares[0] += messages - sum(shares)
    return shares


async def _room(place: _Place) -> tuple[models.Room, bool]:
    """The room, and whether it is new."""
    owner = place.people[0].id if place.owned else None
    unique: dict[str, Any]
    if place.kind == "public":
        unique = {"name_key": rooms.name_key(place.name or "")}
    elif place.kind == "direct":
        unique = {"direct_key": rooms.direct_key(place.people[0].id, place.people[1].id)}
    else:
        unique = {"kind": "private", "name": place.name, "created_by_id": owner}
    if (found := await models.Room.filter(**unique).first()) is not None:
        return found, False
    began = clock.now() - generator.AGE
    about: dict[str, Any] = {
        "kind": place.kind,
        "name": place.name,
        "topic": place.topic,
        "created_by_id": owner,
    }
    try:
        room = await models.Room.create(**(about | unique), created_at=began, last_entry_at=began)
    except Exception as error:
        if not database.is_duplicate(error):
            raise
        return await models.Room.get(**unique), False  # somebody was quicker
    return room, True
