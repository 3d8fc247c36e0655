"""An instance does not load packages that only features need which are not configured."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
from hubbub.cli import unused_packages
from hubbub.config import Settings
with unused_packages.hidden(Settings.for_tests(**json.loads(sys.argv[1]))):
    import hubbub.cli.process
loaded = [name for name in ("cryptography", "requests", "valkey", "redis", "PIL") if name in sys.modules]
from hubbub.core.sealing import Sealing
sealing = Sealing(["a key"])
assert sealing.unseal("x", sealing.seal("x", b"secret")) == b"secret"
print(json.dumps(loaded))
"""


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [({}, []), ({"oauth_google_client_id": "id", "oauth_google_client_secret": "secret"}, ["cryptography"])],
)
def test_packages_are_loaded_when_they_are_needed(settings: dict[str, str], loaded: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, json.dumps(settings)]

    output = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert json.loads(output) == loaded
