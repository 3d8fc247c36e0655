"""The store in memory: its limit, and which entries it evicts."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.cluster.segmented_lru import SegmentedLru


def test_the_least_recently_used_entry_is_evicted_first():
    evicted = []
    lru = SegmentedLru(30, lambda key, value: evicted.append((key, value)))
    for key in "abc":
        lru.put(key, key.upper(), 10)
    lru.get("a")

    lru.put("d", "D", 10)

    assert evicted == [("b", "B")]
    assert [lru.get(key) for key in "abcd"] == ["A", None, "C", "D"]


def test_entries_that_were_read_again_survive_many_that_are_read_once():
    lru = SegmentedLru(100, lambda *_: None)
    for key in ("hot 1", "hot 2"):
        lru.put(key, key, 10)
        lru.get(key)

    for number in range(1000):
        lru.put(f"once {number}", "", 10)

    assert (lru.get("hot 1"), lru.get("hot 2"), lru.size_bytes) == ("hot 1", "hot 2", 100)


def test_entries_that_are_no_longer_read_make_room():
    lru = SegmentedLru(100, lambda *_: None)
    for number in range(100):
        lru.put(f"old {number}", "", 10)
        lru.get(f"old {number}")

    for number in range(5):
        lru.put(f"new {number}", number, 10)
        lru.get(f"new {number}")

    assert [lru.get(f"new {number}") for number in range(5)] == list(range(5))


def test_an_entry_over_the_limit_is_not_stored():
    lru = SegmentedLru(100, lambda *_: None)
    lru.put("a", "old", 10)

    lru.put("a", "new", 101)

    assert (lru.get("a"), len(lru), lru.size_bytes) == (None, 0, 0)


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "get", "remove"]), st.sampled_from("abcdefgh"), st.integers(1, 60))
)


@given(OPERATIONS)
def test_the_size_is_that_of_the_entries_and_never_over_the_limit(operations):
    model = {}
    lru = SegmentedLru(100, lambda key, _: model.pop(key))

    for name, key, size in operations:
        if name == "put":
            lru.put(key, size, size)
            model[key] = size
        elif name == "get":
            assert lru.get(key) == model.get(key)
        else:
            assert lru.remove(key) == model.pop(key, None)

        assert lru.size_bytes == sum(model.values()) <= 100
        assert len(lru) == len(model)
