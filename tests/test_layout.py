"""Rules of the source tree: places, names and sizes."""

import ast
import gc
import http.client
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import hubbub
from hubbub.cli import COMMANDS
from hubbub.config import Settings
from hubbub.core import metrics

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hubbub"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("test_*.py") if "node_modules" not in path.parts)

LONGEST_MODULE = 300  # lines; look again above 250
LONGEST_FUNCTION = 60  # lines
LARGEST_FOLDER = 25  # modules

# May be longer, for a reason. The list only gets shorter, or the numbers smaller.
LONGER_MODULES: dict[str, int] = {
    "hubbub/migrations/0001_initial.py": 400,  # SQL for two databases, and aerich's picture of it
    "hubbub/migrations/0017_one_copy.py": 590,  # likewise, and the steps in both directions
    "hubbub/migrations/0021_portfolio.py": 470,  # ten tables, and aerich's picture of all
    "hubbub/config/settings.py": 330,  # one field per setting, with its text
}

# Tests of the whole from outside, which mirror no module.
OUTSIDE = {
    "test_databases.py",
    "test_documents.py",
    "test_installation.py",
    "test_layout.py",
    "test_parsers.py",
    "test_security.py",
    "bench",
    "browser",
    "journeys",
}

# Hosts of package registries: what is installed from where is the business of the machine.
REGISTRIES = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry." + "npmjs" + ".org",
    "registry." + "yarnpkg" + ".com",
]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    # A collection in the middle of it may run code that parses, too, which CPython 3.11 takes for a mistake.
    gc.disable()
    try:
        return ast.parse(path.read_text())
    finally:
        gc.enable()


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def _imports(tree: ast.AST) -> set[str]:
    """Everything that a module names in its imports, as `package.module.name`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


# --- hubbub/http must never be taken for the standard library's http (docs/decisions/0001-one-package.md) ---


def test_http_is_the_package_of_the_standard_library():
    origin = Path(str(http.client.__file__)).resolve()

    assert origin.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
    assert str(PACKAGE) not in [str(Path(place).resolve()) for place in sys.path]


def test_the_package_imports_nothing():
    assert _imports(_tree(PACKAGE / "__init__.py")) == set()
    assert hubbub.__version__


def _may_bind_http(text: str) -> bool:
    """Return whether a module is worth parsing, which takes most of the time: imports have one form."""
    return "from hubbub import" in text or "import hubbub.http" in text


def test_no_module_binds_the_name_http_to_our_package():
    candidates = [path for path in [*MODULES, *TESTS] if _may_bind_http(path.read_text())]
    binding = [_name(path) for path in candidates if "hubbub.http" in _imports(_tree(path))]

    assert binding == []


def test_no_module_is_a_script():
    scripts = [_name(path) for path in MODULES if '__name__ == "__main__"' in path.read_text()]

    assert scripts == ["hubbub/__main__.py"]


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in TESTS}
    folders |= {
        parent for folder in folders for parent in folder.parents if parent.is_relative_to(ROOT / "tests")
    }

    assert [_name(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


# --- sizes ---


def test_modules_are_not_too_long():
    lines = {_name(path): len(path.read_text().splitlines()) for path in MODULES}

    assert {name: n for name, n in lines.items() if n > LONGER_MODULES.get(name, LONGEST_MODULE)} == {}


def test_functions_are_not_too_long():
    long = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]

    assert long == []


def test_every_module_has_a_docstring():
    silent = [_name(path) for path in MODULES if _tree(path).body and not ast.get_docstring(_tree(path))]

    assert silent == []


# --- places ---


def _mirrors(path: Path) -> bool:
    """Return whether a test has a module or folder of its name in its place.

    A service may be tested directly below `services`. A folder named as a module holds tests of that module.
    """
    relative = path.relative_to(ROOT / "tests")
    if (PACKAGE / relative.parent).with_suffix(".py").is_file():
        return True
    noun = relative.stem.removeprefix("test_")
    places = [PACKAGE / relative.parent, PACKAGE / "services"]
    return any((place / name).exists() for place in places for name in (noun, f"{noun}.py"))


def test_tests_mirror_the_package():
    astray = [
        _name(path)
        for path in TESTS
        if path.relative_to(ROOT / "tests").parts[0] not in OUTSIDE and not _mirrors(path)
    ]

    assert astray == []


# Caches without a bound: their keys are a few names of the program's own.
ENDLESS = {
    "hubbub/schemas/normalization.py:_normalized_fields",
    "hubbub/core/text/emoji.py:_by_characters",
    "hubbub/core/text/emoji.py:fully_qualified",
    "hubbub/core/text/emoji.py:pattern",
    "hubbub/core/text/languages.py:_subtags",
    "hubbub/core/text/languages.py:pattern",
    "hubbub/core/text/markdown.py:_parser",
    "hubbub/core/text/reserved_usernames.py:_reserved",
    "hubbub/core/text/reserved_usernames.py:reserved_names",
    "hubbub/core/text/time_zones.py:names",
    "hubbub/core/text/time_zones.py:pattern",
    "hubbub/core/password_policy.py:common_passwords",
    "hubbub/http/openapi/examples.py:load",
    "hubbub/http/pages/rendering.py:_environment",
    "hubbub/http/request.py:_kinds",
    "hubbub/schemas/base.py:strict",
    "hubbub/schemas/faults.py:field_checks",
    "hubbub/schemas/faults.py:text_fields",
    "hubbub/schemas/faults.py:_fields",
    "hubbub/schemas/portfolio/public.py:list_query",
    "hubbub/services/mail/templates.py:_catalogue",
    "hubbub/services/notifications/views.py:_texts",
    "hubbub/services/mail/templates.py:_layouts",
    "hubbub/services/mail/templates.py:languages",
}


def _endless(path: Path) -> Iterator[str]:
    """Functions of a module whose results are cached without a bound, and uses of `sys.intern`."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.intern", "intern"):
            yield f"{path.relative_to(ROOT)}:{node.lineno}"
        for decorator in getattr(node, "decorator_list", []):
            text = ast.unparse(decorator).removeprefix("functools.")
            if text == "cache" or (text.startswith("lru_cache") and "maxsize=None" in text):
                yield f"{path.relative_to(ROOT)}:{node.name}"  # type: ignore[attr-defined]


def test_no_cache_stores_client_input_without_a_bound():
    assert {found for path in MODULES for found in _endless(path)} == ENDLESS


def test_nothing_is_called_utils():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
    found = [_name(path) for path in [*MODULES, *TESTS] if path.stem.removeprefix("test_") in vague]

    assert found == ["hubbub/realtime/socketio/manager.py"]  # python-socketio's word for its client manager


# --- vocabulary (docs/glossary.md) ---

# Words refused in names. A word leaves this list only with a decision in docs/decisions/ that names it in
# backticks.
REFUSED = {
    *(
        "resident",
        "stay",
        "standing",
        "doors",
        "door",
        "truth",
        "comings",
        "letter",
        "letters",
        "post",
        "turnstile",
    ),
    *("allowance", "entrance", "knock", "hear", "tell", "told", "begun", "asked", "barred", "gone", "card"),
    *(
        "residency",
        "settle",
        "promise",
        "shown",
        "reseal",
        "deaf",
        "lane",
        "line",
        "way",
        "link",
        "sift",
        "give_up",
    ),
    *("somebody", "nobody"),
}
# Names that contain a refused word, each with its reason. The list only gets shorter.
ACCEPTED = {
    "0002_truth": "migrations keep their file names",
    "RoomGone": "the result of `sync` that has the field `gone`",
    "RoomGoneHint": "the event `room:gone`",
    "_Line": "a line of text",
    "line_fault": "a line of text",
    "normalize_line": "a line of text",
    "single_line": "a line of text",
}


def _words(name: str) -> set[str]:
    """Return the words of a name: `SessionList.on_close` has session, list, on, close."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
    return {*words, *("_".join(pair) for pair in pairwise(words))}


def _all_names() -> Iterator[str]:
    """All names of modules, classes, functions, metrics, settings, commands and routes."""
    for path in MODULES:
        yield path.parent.name if path.stem == "__init__" else path.stem
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name
    yield from (metric.name for metric in (*metrics.COUNTERS, *metrics.GAUGES))
    yield from Settings.model_fields
    yield from COMMANDS
    for operation in (ROOT / "tests" / "http" / "operations.txt").read_text().splitlines():
        yield from operation.split()[2:]


def test_names_use_the_words_of_the_glossary():
    refused = {name for name in _all_names() if _words(name) & REFUSED and name not in ACCEPTED}

    assert refused == set()


def test_every_accepted_name_exists():
    assert set(ACCEPTED) <= set(_all_names())


def test_a_refused_word_is_removed_only_by_a_decision():
    glossary = " ".join((ROOT / "docs" / "glossary.md").read_text().split())
    listed = glossary.partition("commands and routes: ")[2].partition(".")[0]
    words = set(re.sub(r"\([^)]*\)", "", listed).replace(" ", "").split(","))
    decisions = " ".join(path.read_text() for path in (ROOT / "docs" / "decisions").glob("*.md"))

    assert {word for word in words ^ REFUSED if f"`{word}`" not in decisions} == set()


def test_a_folder_has_at_most_25_modules():
    folders = Counter(path.parent for path in MODULES if path.stem != "__init__")

    assert {_name(folder): n for folder, n in folders.items() if n > LARGEST_FOLDER} == {}


# --- installation ---


def test_the_requirements_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]

    pinned = (ROOT / "requirements" / "dev.txt").read_text().lower().splitlines()

    names = {line.partition(" ")[0] for line in pinned}
    plain = [re.sub(r"\[\w+\]", "", each.partition(";")[0]).strip() for each in asked]  # without extras
    assert [each for each in plain if each not in names] == []


def test_no_tracked_file_names_a_package_registry():
    named = [
        f"{_name(path)}: {host}"
        for path in _tracked()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]

    assert named == []
