"""Cron expressions in time zones, across changes to daylight saving time."""

from datetime import UTC, datetime, timedelta

import pytest

from hubbub.core import cron


def runs(expression, zone, after, count):
    found, moment = [], datetime.fromisoformat(after).replace(tzinfo=UTC)
    for _ in range(count):
        moment = cron.next_run(expression, moment, zone)
        found.append(moment.strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("given", "stored"),
    [("0 * * * *", "0 * * * *"), ("  */5   1-3 * *  MON ", "*/5 1-3 * * MON"), ("0 0 L * *", "0 0 L * *")],
)
def test_an_expression_is_stored_with_single_spaces(given, stored):
    assert cron.check(given) == stored


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "off",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "0 0 30 2 *",
        "@daily",
        "\u0660 * * * *",
        "* * * * " + "1," * 50 + "1",
    ],
)
def test_a_wrong_expression_is_refused(wrong):
    with pytest.raises(ValueError, match="must be a cron expression"):
        cron.check(wrong)


def test_a_run_is_after_the_given_time():
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)

    assert cron.next_run("0 12 * * *", at, "UTC") == at + timedelta(days=1)
    assert cron.next_run("0 12 * * *", at - timedelta(milliseconds=1), "UTC") == at


def test_an_expression_counts_in_its_time_zone():
    assert runs("30 8 * * *", "Asia/Kolkata", "2026-06-01 00:00", 2) == ["01 03:00", "02 03:00"]


def test_a_time_that_daylight_saving_skips_runs_right_after_the_change():
    # Berlin, 29 March 2026: 02:00 becomes 03:00, which is 01:00 UTC.
    assert runs("30 2 * * *", "Europe/Berlin", "2026-03-28 00:00", 3) == ["28 01:30", "29 01:00", "30 00:30"]
    assert runs("0 * * * *", "Europe/Berlin", "2026-03-28 23:30", 3) == ["29 00:00", "29 01:00", "29 02:00"]


def test_a_time_that_occurs_twice_runs_once_and_every_hour_runs_each_hour():
    # Berlin, 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
    assert runs("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", 2) == ["25 00:30", "26 01:30"]
    assert runs("0 * * * *", "Europe/Berlin", "2026-10-24 23:30", 3) == ["25 00:00", "25 01:00", "25 02:00"]
