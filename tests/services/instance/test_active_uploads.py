"""Uploads at the same time, per user and in all."""

from contextlib import ExitStack
from uuid import uuid4

import pytest

from hubbub.core.errors import RateLimited, Unavailable
from hubbub.services.instance.active_uploads import MAX_OF_USER, ActiveUploads


def test_a_user_has_a_limited_number_and_others_are_not_affected():
    uploads, ada, eve = ActiveUploads(), uuid4(), uuid4()

    with ExitStack() as stack:
        for _ in range(MAX_OF_USER):
            stack.enter_context(uploads.count(ada))
        with pytest.raises(RateLimited), uploads.count(ada):
            pass
        with uploads.count(eve):
            pass
    with uploads.count(ada):
        pass

    assert uploads._by_user == {}


def test_an_instance_has_a_limited_number():
    uploads = ActiveUploads(max_of_instance=2)

    with uploads.count(uuid4()), uploads.count(uuid4()):
        with pytest.raises(Unavailable), uploads.count(uuid4()):
            pass
        assert len(uploads._by_user) == 2
