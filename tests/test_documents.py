"""The documents: files, tests, settings, metrics, commands and headings that they name exist."""

import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hubbub.cli import COMMANDS
from hubbub.config import Settings
from hubbub.core import metrics

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, check=True, text=True
).stdout.split()
PAGES = [name for name in TRACKED if name.endswith(".md")]

# Named as examples, or written by a command that a page describes.
ELSEWHERE = {
    "http/chat/reactions.py",  # docs/adding-a-feature.md: as the noun of a new feature
    "hubbub/x/y.py",
    "tests/x/test_y.py",
    "hubbub/schemas/portfolio/talks.py",  # docs/adding-a-resource.md: the example
    "manifest.json",  # of a backup
    "nginx.conf",  # of the machine
    "tests/shots/",  # screenshots of the browser tests
    "hubbub/common.conf",  # nginx/README.md: below /etc/nginx
    "hubbub/server.conf",
    "hubbub/upstreams.conf",
}
SETTINGS = {f"HUBBUB_{name.upper()}" for name in Settings.model_fields}
# Variables of the examples in docs/rest.md, and of `hubbub prove`.
OTHER_VARIABLES = {"HUBBUB_KEY", "HUBBUB_SECRET", "HUBBUB_URL"}
METRICS = {f"hubbub_{each.name}_total" for each in metrics.COUNTERS} | {
    f"hubbub_{each.name}" for each in metrics.GAUGES
}
COOKIES = {"hubbub_refresh"}


@cache
def _text(page: str) -> str:
    return (ROOT / page).read_text()


@cache
def _prose(page: str) -> str:
    """The page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", _text(page), flags=re.MULTILINE | re.DOTALL)


@cache
def _anchors(page: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} (.*)$", _prose(page), re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        kept = "".join(each for each in text if each.isalnum() or each in " -_").replace(" ", "-")
        found.add(kept if kept not in found else f"{kept}-{sum(one.startswith(kept) for one in found)}")
    return found


def _exists(name: str) -> bool:
    """Whether a tracked file or folder has this path, or a path that ends with it."""
    if name.endswith("/"):
        return any(path.startswith(name) or f"/{name}" in path for path in TRACKED)
    return any(path == name or path.endswith(f"/{name}") for path in TRACKED)


def _broken_links(page: str) -> list[str]:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (
            anchor and anchor not in _anchors(file.resolve().relative_to(ROOT).as_posix())
        ):
            broken.append(target)
    return broken


def _missing_files(page: str) -> list[str]:
    endings = "py|js|mjs|conf|sh|md|txt|tsv|jsonl|json|css|html|yml|toml|lua"
    names = re.findall(rf"`((?:[\w.-]+/)*[\w.-]+\.(?:{endings}))[`:]", _prose(page))
    names += re.findall(
        r"`((?:tests|hubbub|bench|docs|nginx|docker|requirements)/(?:[\w.-]+/)*)`", _prose(page)
    )
    return sorted({name for name in names if not _exists(name)} - ELSEWHERE)


def _missing_tests(page: str) -> list[str]:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", _text(page))
    return [f"{path}::{name}" for path, name in named if f"def {name}(" not in _text(path)]


def _missing_names(page: str) -> list[str]:
    """Settings, metrics, commands and targets of make that do not exist."""
    text = _text(page)
    variables = {name.removesuffix("_FILE") for name in re.findall(r"HUBBUB_[A-Z0-9_]*[A-Z0-9]\b", text)}
    commands = set(re.findall(r"`hubbub ([a-z-]+)", text))
    targets = set(re.findall(r"`make ([a-z-]+)", text))
    return [
        *sorted(variables - SETTINGS - OTHER_VARIABLES),
        *sorted(set(re.findall(r"\bhubbub_[a-z0-9_]+", text)) - METRICS - COOKIES),
        *sorted(commands - set(COMMANDS)),
        *sorted(targets - set(re.findall(r"^([a-z-]+):", _text("Makefile"), re.MULTILINE))),
    ]


def _of_each_page(find: Callable[[str], list[str]], *skipped: str) -> dict[str, list[str]]:
    return {page: found for page in PAGES if page not in skipped and (found := find(page))}


def test_every_link_leads_to_a_file_and_a_heading():
    assert len(PAGES) > 50
    assert _of_each_page(_broken_links) == {}


def test_every_named_file_exists():
    assert _of_each_page(_missing_files) == {}


def test_every_named_test_exists():
    assert _of_each_page(_missing_tests) == {}


def test_every_named_setting_metric_and_command_exists():
    assert _of_each_page(_missing_names, "CHANGELOG.md") == {}  # which names former ones
