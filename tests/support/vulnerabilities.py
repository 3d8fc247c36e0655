"""Check requirements/main.txt for known vulnerabilities: `make audit`, part of `make check`.

Uses pip-audit. Only a reported vulnerability is a failure. Without a network, or with an index that has no
vulnerability data, it prints that the check was impossible and passes.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "main.txt"
AUDIT_TIMEOUT_S = 20
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
    """Return the message for a report of pip-audit, and the exit code."""
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}, repaired in {flaw['fix_versions'] or 'none'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    if found:
        return "\n".join(["Known vulnerabilities:", *found]), 1
    skipped = sum("skip_reason" in package for package in packages)
    if skipped == len(packages):
        return f"Vulnerabilities: not checked, the index has none of these {skipped} packages.", 0
    if skipped:
        return f"Vulnerabilities: none known; not checked: {skipped} of {len(packages)} packages.", 0
    return f"Vulnerabilities: none known of {len(packages)} packages.", 0


def audit(command: tuple[str, ...] = COMMAND, seconds: float = AUDIT_TIMEOUT_S) -> tuple[str, int]:
    """What pip-audit finds out in this time."""
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"Vulnerabilities: could not ask, no answer within {seconds:g} s.", 0
    try:
        return verdict(json.loads(process.stdout))
    except ValueError:
        reason = (process.stderr.strip().splitlines() or ["no answer"])[-1]
        return f"Vulnerabilities: could not ask: {reason[:200]}", 0


def main() -> int:
    """Print the message, and return the exit code."""
    text, code = audit()
    print(text, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())
