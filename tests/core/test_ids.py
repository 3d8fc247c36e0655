"""UUIDv7, RFC 9562."""

import pickle
import time
from uuid import UUID

from hubbub.core import ids


def test_ids_sort_by_their_creation_time() -> None:
    made = [ids.uuid7() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {"specified in RFC 4122"}


def test_an_id_contains_its_creation_time() -> None:
    before = time.time_ns() // 1_000_000

    stamp = ids.uuid7().int >> 80

    assert 0 <= stamp - before < 60_000


def test_the_text_of_an_id_is_that_of_a_uuid() -> None:
    texts = [ids.uuid7_text() for _ in range(1000)]

    assert texts == [str(UUID(text)) for text in texts] == sorted(set(texts))
    assert {UUID(text).version for text in texts} == {7}


def test_an_id_made_from_its_value_is_a_uuid() -> None:
    for expected in (UUID(int=0), UUID(int=2**128 - 1), ids.uuid7()):
        made = ids.from_int(expected.int)

        assert (made, hash(made), str(made), made.is_safe) == (
            expected, hash(expected), str(expected), expected.is_safe
        )  # fmt: skip
        assert pickle.loads(pickle.dumps(made)) == expected
