"""Stamps of forms: their time, their form and their signature."""

from datetime import UTC, datetime, timedelta

import pytest

from hubbub.core import clock
from hubbub.http.pages.form_stamps import FormStamps, StampState

ISSUED = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def at(monkeypatch):
    def set_age(seconds):
        monkeypatch.setattr(clock, "now", lambda: ISSUED + timedelta(seconds=seconds))

    set_age(0)
    return set_age


@pytest.mark.parametrize(
    ("age_s", "state"),
    [
        (-60.001, StampState.EARLY),
        (-60, StampState.VALID),  # the clock of the instance that issued it is ahead
        (-0.001, StampState.VALID),
        (0, StampState.EARLY),
        (2.999, StampState.EARLY),
        (3, StampState.VALID),
        (24 * 3600, StampState.VALID),
        (24 * 3600 + 0.001, StampState.EXPIRED),
        (10**9, StampState.EXPIRED),
    ],
)
def test_a_stamp_is_valid_from_3_seconds_to_24_hours(at, age_s, state):
    stamps = FormStamps(["a" * 32])
    stamp = stamps.issue("contact:ada")

    at(age_s)

    assert stamps.check("contact:ada", stamp) is state


def test_a_stamp_is_for_one_form_and_signed_here(at):
    stamps = FormStamps(["a" * 32])
    stamp = stamps.issue("contact:ada")
    at(60)
    later = f"{int(stamp.partition('.')[0]) + 1}.{stamp.partition('.')[2]}"

    forged = [
        stamps.check("contact:eve", stamp),
        stamps.check("contact:ada", later),
        FormStamps(["b" * 32]).check("contact:ada", stamp),
        *(
            stamps.check("contact:ada", text)
            for text in ("", ".", "1.", "x", stamp + "x", "9" * 400 + ".x", "１" * 13)
        ),
    ]

    assert set(forged) == {StampState.FORGED}


def test_a_stamp_of_a_previous_key_is_valid(at):
    stamp = FormStamps(["old" * 16]).issue("contact:ada")
    at(60)

    assert FormStamps(["new" * 16, "old" * 16]).check("contact:ada", stamp) is StampState.VALID
