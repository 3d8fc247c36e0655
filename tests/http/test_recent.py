"""Texts that were seen lately."""

from hubbub.http.recent import RecentDigests


def test_an_added_item_is_present_until_it_is_discarded():
    seen = RecentDigests()
    assert "a" not in seen
    seen.add("a")
    seen.add("\ud800")
    assert "a" in seen
    assert "\ud800" in seen
    seen.discard("a")
    seen.discard("b")
    assert "a" not in seen


def test_the_oldest_items_are_removed_past_the_bound():
    seen = RecentDigests(max_digests=2)
    for text in ("a", "b", "a", "c"):
        seen.add(text)

    assert [text in seen for text in "abc"] == [True, False, True]
    assert len(seen) == 2
