"""Are vulnerabilities known of what hubbub is made of? `make audit`; part of `make check`.

Asks by pip-audit about requirements/main.txt. Only an answer that names one fails: who is offline, or whose
index knows nothing of vulnerabilities, is told that nothing could be asked, and goes on.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "main.txt"
PATIENCE_S = 20
COMMAND = (
    *(
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(REQUIREMENTS),
        "--require-hashes",
        "--disable-pip",
    ),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "5"),
)


def verdict(report: dict[str, Any]) -> tuple[str, int]:
    """What to say about a report of pip-audit, and the exit code."""
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, repaired in {flaw['fix_versions'] or 'none'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    if found:
        return "\n".join(["Known vulnerabilities:", *found]), 1
    silent = sum("skip_reason" in package for package in packages)
    if silent == len(packages):
        return f"Vulnerabilities: could not ask, the index knows nothing of these {silent} packages.", 0
    if silent:
        return f"Vulnerabilities: none known; could not ask about {silent} of {len(packages)} packages.", 0
    return f"Vulnerabilities: none known of {len(packages)} packages.", 0


def ask(command: tuple[str, ...] = COMMAND, seconds: float = PATIENCE_S) -> tuple[str, int]:
    """What pip-audit finds out in this time."""
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"Vulnerabilities: could not ask, no answer within {seconds:g} s.", 0
    try:
        return verdict(json.loads(asked.stdout))
    except ValueError:
        why = (asked.stderr.strip().splitlines() or ["no answer"])[-1]
        return f"Vulnerabilities: could not ask: {why[:200]}", 0


def main() -> int:
    """Say it, and return the exit code."""
    text, code = ask()
    print(text, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
