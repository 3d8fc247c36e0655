"""The evidence named in docs/security.md exists. The results of the vulnerability audit are reported."""

import re
import sys
from pathlib import Path

import pytest

from tests.support import vulnerabilities

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "security.md"
TESTS = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE.read_text())
FILES = re.findall(r"`((?:hubbub|docs|nginx)/[\w./-]+)`", PAGE.read_text())


def test_every_claim_of_the_page_has_evidence() -> None:
    assert len({name for _, name in TESTS if name}) >= 40


@pytest.mark.parametrize("path", sorted({path for path, _ in TESTS}))
def test_every_named_test_exists(path) -> None:
    source = (ROOT / path).read_text()
    named = [name for at, name in TESTS if at == path and name]

    assert [name for name in named if f"def {name}(" not in source] == []


@pytest.mark.parametrize("path", sorted(set(FILES)))
def test_every_named_file_exists(path) -> None:
    assert (ROOT / path).exists()


def test_all_ten_points_are_covered() -> None:
    assert re.findall(r"^## (API\d+):2023", PAGE.read_text(), re.MULTILINE) == [
        f"API{n}" for n in range(1, 11)
    ]


SAFE = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
FLAWED = {"name": "pyjwt", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}
SKIPPED = {"name": "redis", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "said", "code"),
    [
        ([SAFE, SAFE], "none known of 2 packages", 0),
        ([SAFE, SKIPPED], "not checked: 1 of 2", 0),
        ([SKIPPED, SKIPPED], "not checked, the index has none of these 2", 0),
        ([SAFE, SKIPPED, FLAWED], "pyjwt 1.0: PYSEC-1, repaired in ['2.0']", 1),
    ],
)
def test_only_a_known_vulnerability_fails_the_audit(packages, said, code) -> None:
    text, exit_code = vulnerabilities.verdict({"dependencies": packages})

    assert said in text
    assert exit_code == code


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.exit('ConnectionError: no way out')", "could not ask: ConnectionError: no way out"),
        ("import time; time.sleep(60)", "no answer within 0.5 s"),
        ("", "could not ask: no answer"),
    ],
)
def test_an_offline_audit_is_reported_and_passes(script, said) -> None:
    text, exit_code = vulnerabilities.audit((sys.executable, "-c", script), 0.5 if "sleep" in script else 60)

    assert said in text
    assert exit_code == 0
