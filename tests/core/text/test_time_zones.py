"""Time zones: each offered zone loads, from the system and from the package."""

import re
import subprocess
import sys
import zoneinfo

import pytest

from hubbub.core.text import time_zones

LOAD = """
from zoneinfo import ZoneInfo
from hubbub.core.text import time_zones
print(len([ZoneInfo(name) for name in time_zones.names()]))
"""


def test_every_zone_loads():
    loaded = [zoneinfo.ZoneInfo(name).key for name in time_zones.names()]

    assert len(loaded) > 550
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Etc/GMT+12"} <= set(
        loaded
    )


def test_every_zone_loads_without_zones_of_the_system():
    process = subprocess.run(
        [sys.executable, "-c", LOAD], env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=True
    )

    assert int(process.stdout) == len(time_zones.names())


@pytest.mark.parametrize(
    "name",
    [
        "Not/AZone",
        "America",
        "leapseconds",
        "A" * 64,
        "",
        ".",
        "../UTC",
        "utc",
        "Factory",
        "localtime",
        "posix/UTC",
        "UTC\n",
    ],
)
def test_an_unknown_zone_is_refused(name):
    assert name not in time_zones.names()
    assert not re.search(time_zones.pattern(), name)


def test_the_pattern_has_all_zones():
    assert all(re.search(time_zones.pattern(), name) for name in time_zones.names())
