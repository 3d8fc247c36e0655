"""The verdict on a guarantee: how often it was tested, and its violations by their usual names."""

from collections import Counter
from dataclasses import dataclass, field

MAX_EXAMPLES = 20  # violations of a kind that the report lists

GUARANTEES = {
    "G1": "Durability: an ack means stored",
    "G2": "Total order per room",
    "G3": "No gaps, no duplicates",
    "G4": "Idempotent sending",
    "G5": "Redis is an accelerator, not the source of truth",
    "G6": "Explicit failure during a database outage",
    "G7": "Slow-client isolation",
    "G8": "Accurate presence",
    "G9": "Zero-downtime deployment",
    "G10": "Immediate revocation",
    "G13": "Automatic recovery after failover",
    "G14": "Safe reconnection to any instance",
}


@dataclass
class Verdict:
    """The verdict on one guarantee."""

    name: str
    tried: int = 0  # number of tests; with 0 the run gives no result
    figures: list[str] = field(default_factory=list)  # measurements for the report
    counts: Counter[str] = field(default_factory=Counter)  # violations by kind
    examples: list[str] = field(default_factory=list)  # the first violations of each kind

    def add_violation(self, kind: str, detail: str) -> None:
        """Count a violation. `kind` is lost, duplicated, reordered, diverged, gap or another one."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_EXAMPLES:
            self.examples.append(f"{kind}: {detail}")

    @property
    def held(self) -> bool:
        return not self.counts
