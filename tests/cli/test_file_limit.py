"""The limit of open files, in separate processes."""

import resource
import subprocess
import sys

import pytest

_, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
PROGRAM = """
import resource
from hubbub.cli import file_limit
print(file_limit.raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard"),
    [(64, 256), (256, 256), (64, HARD), (HARD, HARD)],
    ids=["below", "equal", "below the machine's", "as it is"],
)
def test_the_soft_limit_becomes_the_hard_one(soft, hard):
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True, preexec_fn=limited
    )

    assert done.stdout.split() == [str(hard)] * 3
