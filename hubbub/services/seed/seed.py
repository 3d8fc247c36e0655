"""Sample data: users with portfolios, rooms, messages, pictures. A second run only adds what is missing."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from hubbub import models
from hubbub.config import Settings
from hubbub.core import clock, passwords, secret_files
from hubbub.db import database
from hubbub.schemas.users.users import User
from hubbub.services.chat import rooms
from hubbub.services.context import Container
from hubbub.services.seed import album, generator, portfolios, sample
from hubbub.services.seed.album import Album
from hubbub.services.seed.dev_admin import EMAIL as ADMIN
from hubbub.services.seed.generator import Senders
from hubbub.services.users import users

EMAIL_DOMAIN = "sample.example"  # reserved (RFC 2606)
PASSWORD_FILE = "sample_password"  # noqa: S105 - the name of a file
USER_BATCH_SIZE = 500
AVATAR_STEPS = 20  # of the progress: drawing and uploading an avatar takes as long as writing 20 messages
PORTFOLIO_STEPS = 150  # likewise, with its pictures
MIN_IDLE_TIME = timedelta(days=1)  # of a room that gets a share of the messages

OnProgress = Callable[[int], None]


class Plan(NamedTuple):
    """The number of users, rooms and messages that shall exist, and how many of them get pictures."""

    users: int
    rooms: int
    messages: int
    avatars: int = 50  # users from whom on no further one gets an avatar
    pictures: int = 24  # different ones that messages show
    portfolios: int = 10  # in as many languages

    def without_pictures(self) -> "Plan":
        """Return the plan without avatars, pictures and portfolios."""
        return self._replace(avatars=0, pictures=0, portfolios=0)

    @property
    def total(self) -> int:
        """The number of steps of the progress."""
        pictures = AVATAR_STEPS * min(self.users, self.avatars) + PORTFOLIO_STEPS * self.portfolios
        return self.users + self.rooms + self.messages + pictures


class SeedResult(NamedTuple):
    """What was added, and the login of a sample user."""

    users: int
    rooms: int
    messages: int
    email: str
    password: str
    portfolio: str | None  # username of a user whose portfolio is public
    admin: str | None  # e-mail address of the admin who is in the rooms too


class _RoomPlan(NamedTuple):
    """A room that shall exist. If it has an owner, that is the first of its users."""

    label: str
    kind: str
    name: str | None
    topic: str
    users: list[User]
    has_owner: bool


async def seed(container: Container, plan: Plan, on_progress: OnProgress) -> SeedResult:
    """Add the sample data to the connected database. `on_progress` receives the steps done.

    Safe beside a running server. The sample users share one password, stored in the data folder. Raises
    OSError if it can't be stored, and what an upload raises.
    """
    settings = container.settings
    password = secret_files.load_or_create(settings.data_dir, PASSWORD_FILE, 12)
    sample_users, users_added = await _ensure_users(settings, plan.users, password, on_progress)
    portfolio = await portfolios.add(
        container, sample_users, plan.portfolios, lambda done: on_progress(PORTFOLIO_STEPS * done)
    )
    with_avatars = await album.set_avatars(
        container, sample_users[: plan.avatars], lambda done: on_progress(AVATAR_STEPS * done)
    )
    sample_users[: plan.avatars] = with_avatars
    pictures = Album(container, sample_users, plan.pictures)
    viewer = await _load_dev_admin(settings) or sample_users[0]
    room_plans = [_plan_room(settings, number, sample_users, viewer) for number in range(plan.rooms)]
    planned_rooms = [await _ensure_room(room_plan) for room_plan in room_plans]
    on_progress(len(planned_rooms))
    shares = _message_shares(plan.messages, [_is_idle(room) for room, _ in planned_rooms])
    rooms_added = messages_added = 0
    for room_plan, (room, is_new), messages in zip(room_plans, planned_rooms, shares, strict=True):
        rooms_added += is_new
        if room.archived_at is not None:  # an archived room of the users: unchanged
            on_progress(messages)
            continue
        await generator.add_members(room.id, _with_roles(room_plan), messages)
        senders = Senders(room_plan.label, room_plan.users, pictures)
        messages_added += await generator.write_messages(room.id, senders, messages, on_progress)
    (email, _), *_ = _sample_names(0, 1)
    return SeedResult(
        users_added,
        rooms_added,
        messages_added,
        email,
        password,
        portfolio,
        ADMIN if viewer.id != sample_users[0].id else None,
    )


async def _ensure_users(
    settings: Settings, count: int, password: str, on_progress: OnProgress
) -> tuple[list[User], int]:
    """Return the sample users, and how many of them are new."""
    digest = await passwords.digest(password, settings.bcrypt_rounds)
    await _update_sample_passwords(password, digest, settings.bcrypt_rounds)
    sample_users: list[User] = []
    added = 0
    for start in range(0, count, USER_BATCH_SIZE):
        names_by_email = dict(_sample_names(start, min(count, start + USER_BATCH_SIZE)))
        rows = await _load_by_email(names_by_email)
        missing = [email for email in names_by_email if email not in rows]
        if missing:
            await _create_users(missing, names_by_email, digest)
            rows = await _load_by_email(names_by_email)
        added += len(missing)
        sample_users += [users.to_view(rows[email]) for email in names_by_email]
        on_progress(len(names_by_email))
    return sample_users, added


def _sample_names(start: int, end: int) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the e-mail address, by which a sample user is found again, and the names."""
    for number in range(start, end):
        username, display_name = sample.user_names(number)
        yield f"{username}@{EMAIL_DOMAIN}", (username, display_name)


async def _create_users(missing: list[str], names: dict[str, tuple[str, str]], digest: str) -> None:
    """Create accounts. A username that is taken gets the suffix `.sample`."""
    same = models.User.filter(username__in=[names[email][0] for email in missing])
    taken = {row.username for row in await same}
    async with database.transaction():
        await models.User.bulk_create(
            [_new_user(email, *names[email], digest, taken) for email in missing], ignore_conflicts=True
        )


async def _load_by_email(emails: Iterable[str]) -> dict[str, models.User]:
    return {row.email: row for row in await models.User.filter(email__in=list(emails))}


def _new_user(email: str, username: str, display_name: str, digest: str, taken: set[str]) -> models.User:
    now = clock.now()
    return models.User(
        username=f"{username}.sample" if username in taken else username,
        email=email,
        display_name=display_name,
        password_digest=digest,
        email_verified_at=now,
        last_seen_at=now,
        created_at=now - generator.HISTORY_AGE,
    )


async def _update_sample_passwords(password: str, digest: str, rounds: int) -> None:
    """Set the current password for existing sample users, in case its file was lost."""
    sample_users = models.User.filter(email__endswith=f"@{EMAIL_DOMAIN}")
    sample_user = await sample_users.first()
    if sample_user is not None and not await passwords.matches(password, sample_user.password_digest, rounds):
        await sample_users.update(password_digest=digest)


async def _load_dev_admin(settings: Settings) -> User | None:
    """Return the development admin, as whom a developer logs in, or None."""
    if settings.env != "development":
        return None
    admin = await models.User.filter(email=ADMIN, deleted_at__isnull=True).first()
    return users.to_view(admin) if admin is not None else None


def _plan_room(settings: Settings, number: int, sample_users: list[User], viewer: User) -> _RoomPlan:
    """Return the plan of a room by number.

    The default rooms come first, then public, private and direct ones in turn. All users are members of the
    default rooms. `viewer` is a member of every room, and one of the two in each direct one.
    """
    if number < len(settings.default_rooms):
        name = settings.default_rooms[number]
        return _RoomPlan(name, "public", name, "", _with_viewer(sample_users, viewer), has_owner=False)
    number -= len(settings.default_rooms)
    rng = sample.rng("room", number)
    some = rng.sample(sample_users, min(len(sample_users), rng.randint(3, 12)))
    others = [user for user in sample_users if user.id != viewer.id]
    if number % 5 in (1, 4) and number // 5 * 2 < len(others):
        other = others[(number // 5 * 2 + (number % 5 == 4)) % len(others)]  # noqa: PLR2004 - the fourth of five
        return _RoomPlan(f"direct-{other.username}", "direct", None, "", [other, viewer], has_owner=False)
    name, topic = sample.room_template(number)
    kind = "private" if number % 5 == 3 else "public"  # noqa: PLR2004 - each fifth
    return _RoomPlan(name, kind, name, topic, _with_viewer(some, viewer), has_owner=True)


def _with_viewer(sample_users: list[User], viewer: User) -> list[User]:
    return sample_users if any(user.id == viewer.id for user in sample_users) else [*sample_users, viewer]


def _with_roles(room_plan: _RoomPlan) -> list[tuple[User, str]]:
    roles = ["owner", "moderator"] if room_plan.has_owner else []
    return [
        (user, roles[index] if index < len(roles) else "member") for index, user in enumerate(room_plan.users)
    ]


def _is_idle(room: models.Room) -> bool:
    """Return whether the log of a room ended long enough ago for days of messages after it."""
    return clock.now() - room.last_entry_at > MIN_IDLE_TIME or room.created_at < clock.now() - MIN_IDLE_TIME


def _message_shares(messages: int, idle: list[bool]) -> list[int]:
    """Return the number of messages per room: most in the first, few in rooms that are not idle.

    All messages of a room that is not idle would be of today.
    """
    weights = [1 / (index + 1) if is_idle else 0.001 for index, is_idle in enumerate(idle)]
    shares = [int(messages * weight / sum(weights)) for weight in weights]
    if shares:
        shares[0] += messages - sum(shares)
    return shares


async def _ensure_room(room_plan: _RoomPlan) -> tuple[models.Room, bool]:
    """Return the room, and whether it is new."""
    owner = room_plan.users[0].id if room_plan.has_owner else None
    lookup: dict[str, Any]
    if room_plan.kind == "public":
        lookup = {"name_key": rooms.name_key(room_plan.name or "")}
    elif room_plan.kind == "direct":
        lookup = {"direct_key": rooms.direct_key(room_plan.users[0].id, room_plan.users[1].id)}
    else:
        lookup = {"kind": "private", "name": room_plan.name, "created_by_id": owner}
    if (existing := await models.Room.filter(**lookup).first()) is not None:
        return existing, False
    started_at = clock.now() - generator.HISTORY_AGE
    fields: dict[str, Any] = {
        "kind": room_plan.kind,
        "name": room_plan.name,
        "topic": room_plan.topic,
        "created_by_id": owner,
    }
    fields |= lookup | {"created_at": started_at, "last_entry_at": started_at}
    try:
        async with database.guard():
            return await models.Room.create(**fields), True
    except database.Duplicate:  # created concurrently
        return await models.Room.get(**lookup), False
