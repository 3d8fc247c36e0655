"""Pictures of sample users."""

import io

import pytest
from PIL import Image

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.uploads.uploads import UploadRef
from hubbub.services.context import Context
from hubbub.services.seed import album, generator, sample
from hubbub.services.seed.album import Album
from hubbub.services.seed.conversation import Conversation
from hubbub.services.seed.log_writer import LogWriter
from hubbub.services.uploads import uploads
from hubbub.services.users import users


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def ada(container):
    row = await models.User.create(username="ada", email="ada@example.com", display_name="Ada Bell")
    return users.to_view(row)


@pytest.mark.parametrize("motif", album.MOTIFS)
def test_the_same_label_draws_the_same_picture(motif):
    first, again, other = (album.MOTIFS[motif].draw(sample.rng(label)) for label in ("a", "a", "b"))

    picture = Image.open(io.BytesIO(first))
    assert first == again
    assert first != other
    assert picture.size in ((800, 534), (800, 520))
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 3


def test_every_sample_picture_has_a_motif_and_its_own_name():
    pictures = [sample.picture_template(number) for number in range(60)]

    assert {picture.motif for picture in pictures} == set(album.MOTIFS)
    assert len({picture.name for picture in pictures}) == 60
    assert all(1 <= len(caption) <= 8000 for picture in pictures for caption in picture.captions)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_users_without_pictures_illustrate_nothing(container, ada):
    assert await Album(container, [ada], 0).illustrate(sample.rng("x"), [ada], 100) == {}
    assert await Album(container, [], 24).illustrate(sample.rng("x"), [ada], 100) == {}


async def test_one_message_in_fifty_shows_a_picture_that_is_uploaded_once(container, ada):
    pictures = Album(container, [ada], 2)

    first = await pictures.illustrate(sample.rng("x"), [ada], 100)
    await pictures.illustrate(sample.rng("y"), [ada], 400)
    again = await Album(container, [ada], 2).illustrate(sample.rng("x"), [ada], 100)

    assert len(first) == 2
    assert first == again
    assert await models.Upload.filter(user_id=ada.id).count() <= 2


async def test_an_upload_that_was_deleted_meanwhile_is_not_attached(container, ada):
    began = clock.now() - generator.HISTORY_AGE
    room = await models.Room.create(
        kind="public", name="x", name_key="x", created_at=began, last_entry_at=began
    )
    await generator.add_members(room.id, [(ada, "member")], 0)
    illustrated = await Album(container, [ada], 1).illustrate(sample.rng("x"), [ada], 10)
    (message,) = illustrated.values()
    await uploads.delete(Context(container, ada.id), UploadRef(upload_id=message.upload_ids[0]))

    async with database.transaction() as tx:
        writer = LogWriter(room.id, 1, began, 10)
        await Conversation(writer, [ada], sample.rng("x"), illustrated).store(tx, 10)

    assert await models.Message.filter(room_id=room.id).count() == 10
    assert await models.Message.filter(body=message.body).exists()
    assert not await models.Attachment.all().exists()


async def test_after_a_failure_no_further_call_begins():
    called = []

    async def call(number):
        called.append(number)
        if number == 1:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await album.in_parallel(call, range(20))

    assert called == list(range(album.AT_ONCE))
