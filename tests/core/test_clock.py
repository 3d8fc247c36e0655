"""Times on the wire."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from hubbub.core import clock

ZONES = (UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11)))


@given(
    moment=st.datetimes(datetime(1970, 1, 3), datetime(2400, 1, 1)),  # noqa: DTZ001 - the zone is added
    zone=st.sampled_from(ZONES),
    microsecond=st.sampled_from((None, 0, 1, 999, 1000, 120_000, 999_999)),
)
def test_a_time_is_written_in_utc_with_milliseconds(moment, zone, microsecond):
    at = moment.replace(tzinfo=zone, microsecond=moment.microsecond if microsecond is None else microsecond)

    text = clock.rfc3339(at)

    assert text == at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert len(text) == len("2026-01-31T12:00:00.123Z")
