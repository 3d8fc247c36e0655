"""When a schedule runs: by default, by its setting, by an admin's choice."""

import pytest

from hubbub.config import Settings
from hubbub.config.schedules import DEFAULT_CRON, OFF
from hubbub.queries.jobs.schedules import Choice
from hubbub.services.jobs import schedules
from hubbub.services.jobs.schedules import SCHEDULES

SETTINGS = Settings.for_tests()


def test_each_schedule_has_a_setting_a_default_and_a_job_of_its_own():
    names = [schedule.name for schedule in SCHEDULES]

    assert set(names) == DEFAULT_CRON.keys()
    assert len(set(names)) == len({schedule.payload for schedule in SCHEDULES}) == len(names)
    for name in names:
        assert getattr(SETTINGS, f"schedule_{name.lower()}") in (DEFAULT_CRON[name], OFF)


def test_the_schedules_of_the_database_and_of_the_example_are_off_by_default():
    off = [each.name for each in SCHEDULES if schedules.plan_of(each, SETTINGS, Choice()).cron is None]

    assert off == ["DATABASE", "HEARTBEAT"]


@pytest.mark.parametrize(
    ("setting", "choice", "plan"),
    [
        ("1 1 * * *", Choice(), "1 1 * * * Asia/Tokyo"),
        ("off", Choice(), "off"),
        ("1 1 * * *", Choice(enabled=False), "off"),
        ("1 1 * * *", Choice(enabled=True), "1 1 * * * Asia/Tokyo"),
        ("off", Choice(enabled=True), "0 2 * * 0 Asia/Tokyo"),
        ("off", Choice(cron="2 2 * * *"), "off"),
        ("off", Choice(enabled=True, cron="2 2 * * *"), "2 2 * * * Asia/Tokyo"),
        ("1 1 * * *", Choice(cron="2 2 * * *"), "2 2 * * * Asia/Tokyo"),
    ],
)
def test_the_choice_of_an_admin_has_precedence_over_the_setting(setting, choice, plan):
    settings = Settings.for_tests(schedule_database=setting, schedule_time_zone="Asia/Tokyo")

    assert str(schedules.plan_of(schedules.named("DATABASE"), settings, choice)) == plan


@pytest.mark.parametrize("name", ["database", "BACKUP", ""])
def test_names_are_written_as_in_the_table(name):
    assert schedules.named(name) is None
