"""Commands and views of schedules, for administrators."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from hubbub.core import cron
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import text_rules

ScheduleName = Annotated[str, Meta(max_length=32, description="As in the list of schedules.")]


# Five fields. Whether it is ever due, no pattern can express.
_CRON_PATTERN = r"^\s*[0-9A-Za-z*,/#-]+(?:\s+[0-9A-Za-z*,/#-]+){4}\s*$"


def _cron_fault(text: str) -> str | None:
    try:
        cron.check(text)
    except ValueError as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}."
    return None


CronText = Annotated[
    str,
    Meta(
        max_length=cron.MAX_CHARS,
        description="Five fields: minute, hour, day of the month, month, day of the week.",
        **text_rules(_cron_fault, "A cron expression, like 0 2 * * 0.", pattern=_CRON_PATTERN),
    ),
]


class RunView(View):
    """One run of a schedule."""

    at: Annotated[str, Meta(description="When its job was enqueued, RFC 3339, UTC.")]
    ms: Annotated[int, Meta(description="Duration in milliseconds. Null before its end.")] | None
    outcome: Annotated[str, Meta(description="`ok`, `failed` or `running`.")]
    error: Annotated[str, Meta(description="Why it failed. Null otherwise.")] | None


class ScheduleView(View):
    """A choice of an admin has precedence over the setting."""

    name: Annotated[str, Meta(description="Its setting is `HUBBUB_SCHEDULE_` and this name.")]
    cron: Annotated[str, Meta(description="When it runs. Null while it is off.")] | None
    time_zone: Annotated[str, Meta(description="`HUBBUB_SCHEDULE_TIME_ZONE`.")]
    enabled: Annotated[bool, Meta(description="Whether it runs at all.")]
    running_on: (
        Annotated[
            str, Meta(description="Id of the instance whose scheduler acts. Null while none is running.")
        ]
        | None
    )
    last_run: Annotated[RunView | None, Meta(description="Null before the first run.")]
    next_run: Annotated[str, Meta(description="RFC 3339, UTC. Null while the schedule is off.")] | None


class ScheduleRef(Command):
    name: ScheduleName


class ChangeSchedule(Command):
    """A missing field is unchanged."""

    name: ScheduleName
    enabled: Annotated[bool, Meta(description="Whether it runs.")] | UnsetType = UNSET
    cron: CronText | UnsetType = UNSET
