"""UUIDv7, RFC 9562."""

import time

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
