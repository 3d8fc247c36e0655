"""Pictures of sample users: their avatars, and those that their messages show.

They are drawn, and uploaded by the operations of users. The same label draws the same pictures. A picture
that is there is not uploaded again.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar
from uuid import UUID

from PIL import Image

from hubbub import models
from hubbub.core.batching import slices
from hubbub.core.files import names
from hubbub.schemas.users.users import User
from hubbub.services.context import Container, Context
from hubbub.services.seed import canvas, portraits, sample, scenes, screens
from hubbub.services.seed.canvas import Size
from hubbub.services.uploads import avatars, uploads
from hubbub.services.uploads.receiving import IncomingFile, UploadRequest
from hubbub.services.users import users as user_views

T = TypeVar("T")

PICTURES_OF_USER = 3
WITHOUT_AVATAR = 8  # one user in as many has none
AT_ONCE = 4  # pictures: one is drawn while another is stored
_MESSAGES_PER_PICTURE = 50
_SEVERAL_PROBABILITY = 0.2  # of a message with pictures
_PHOTO, _SCREEN = Size(800, 534), Size(800, 520)


class Motif(NamedTuple):
    """What a picture displays: how its file is drawn, and the extension of the name."""

    draw: Callable[[random.Random], bytes]
    extension: str


def _photo(draw: Callable[[random.Random, Size], Image.Image]) -> Motif:
    return Motif(lambda rng: canvas.to_jpeg(draw(rng, _PHOTO)), "jpg")


def _screen(draw: Callable[[random.Random, Size], Image.Image]) -> Motif:
    return Motif(lambda rng: canvas.to_png(draw(rng, _SCREEN)), "png")


MOTIFS: dict[str, Motif] = {
    "mountains": _photo(scenes.mountains),
    "sea": _photo(scenes.sea),
    "city": _photo(scenes.city),
    "forest": _photo(scenes.forest),
    "tomatoes": _photo(scenes.tomatoes),
    "coffee": _photo(scenes.coffee),
    "dashboard": _screen(screens.dashboard),
    "mockup": _screen(screens.mockup),
    "poster": _screen(screens.poster),
}


class SamplePicture(NamedTuple):
    """A picture that a sample user uploads at most once."""

    name: str  # of the file
    motif: str
    captions: list[str]
    label: str  # the same label draws the same picture

    def draw(self) -> bytes:
        """Return the file. Call it in a thread: it takes up to 0.2 s."""
        return MOTIFS[self.motif].draw(sample.rng("picture", self.label))


class StoredPicture(NamedTuple):
    """A picture that was uploaded."""

    id: UUID
    url: str


class IllustratedMessage(NamedTuple):
    """A message that shows pictures of its sender."""

    sender: User
    body: str
    upload_ids: list[UUID]


class Album:
    """The pictures of the first sample users, uploaded when the first message shows them."""

    def __init__(self, container: Container, users: Sequence[User], pictures: int) -> None:
        self._container = container  # of the operations
        self._pictures = _assign(users, pictures)  # by user
        self._upload_ids: dict[tuple[UUID, str], UUID] = {}  # of this run, by user and name

    async def illustrate(
        self, rng: random.Random, members: Sequence[User], count: int
    ) -> dict[int, IllustratedMessage]:
        """Choose which of the next `count` messages of a room show pictures, by their position.

        Uploads the pictures that are missing. Raises what an upload raises.
        """
        senders = [user for user in members if user.id in self._pictures]
        if not senders:
            return {}
        chosen: dict[int, tuple[User, list[SamplePicture]]] = {}
        for position in sorted(rng.sample(range(count), -(-count // _MESSAGES_PER_PICTURE))):
            sender = rng.choice(senders)
            own = self._pictures[sender.id]
            several = rng.random() < _SEVERAL_PROBABILITY
            chosen[position] = sender, rng.sample(own, min(len(own), 2 if several else 1))
        shown_by = {(sender.id, each.name): each for sender, shown in chosen.values() for each in shown}
        await in_parallel(self._ensure, shown_by.items())
        return {
            position: IllustratedMessage(
                sender,
                rng.choice(shown[0].captions),
                [self._upload_ids[sender.id, each.name] for each in shown],
            )
            for position, (sender, shown) in chosen.items()
        }

    async def _ensure(self, owned: tuple[tuple[UUID, str], SamplePicture]) -> None:
        key, picture = owned
        if key not in self._upload_ids:
            self._upload_ids[key] = (await ensure_upload(self._container, *key, picture.draw)).id


def _assign(users: Sequence[User], pictures: int) -> dict[UUID, list[SamplePicture]]:
    """Give each of the first users some of `pictures` pictures, the motifs in turn."""
    assigned: dict[UUID, list[SamplePicture]] = {}
    for number in range(pictures):
        owner = number // PICTURES_OF_USER
        if owner >= len(users):
            break
        template = sample.picture_template(number)
        picture = SamplePicture(template.name, template.motif, template.captions, f"{number}")
        assigned.setdefault(users[owner].id, []).append(picture)
    return assigned


async def ensure_upload(
    container: Container, user_id: UUID, name: str, draw: Callable[[], bytes]
) -> StoredPicture:
    """Return the image of a user with this name. It is drawn and uploaded if there is none."""
    name = names.sanitize(name)
    existing = await models.Upload.filter(user_id=user_id, name=name, kind="image").order_by("id").first()
    if existing is not None:
        return StoredPicture(existing.id, names.to_path(existing.id, existing.name))
    request = _request("image", name, await asyncio.to_thread(draw))
    (upload,) = await uploads.store(Context(container, user_id), request)
    return StoredPicture(upload.id, upload.url)


async def set_avatars(
    container: Container, users: Sequence[User], on_progress: Callable[[int], None]
) -> list[User]:
    """Set the avatars of those of the sample users who shall have one and have none. Returns all users."""

    async def ensure_avatar(numbered: tuple[int, User]) -> None:
        number, user = numbered
        shall_have_one = number % WITHOUT_AVATAR != WITHOUT_AVATAR // 2
        if user.avatar_url is None and shall_have_one:
            content = await asyncio.to_thread(_draw_avatar, user)
            request = _request("avatar", f"{user.username}.png", content)
            await avatars.set_avatar(Context(container, user.id), request)
        on_progress(1)

    await in_parallel(ensure_avatar, enumerate(users))
    rows = {row.id: row for row in await models.User.filter(id__in=[user.id for user in users])}
    return [user_views.to_view(rows[user.id]) for user in users if user.id in rows]


def _draw_avatar(user: User) -> bytes:
    return canvas.to_png(portraits.avatar(sample.rng("avatar", user.username), user.display_name))


def _request(kind: str, name: str, content: bytes) -> UploadRequest:
    """Return a request like that of a form with one file."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    async def files() -> AsyncIterator[IncomingFile]:
        yield IncomingFile(name, chunks())

    return UploadRequest(kind, files(), "file")


async def in_parallel(call: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    """Await a call for each item, a few at a time. After a failure no further one begins."""
    for batch in slices(list(items), AT_ONCE):
        results = await asyncio.gather(*(call(each) for each in batch), return_exceptions=True)
        for each in results:
            if each is not None:
                raise each
