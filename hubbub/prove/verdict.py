"""The verdict on a guarantee: how often it was tried, and each violation by its name in the literature."""

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
    """One guarantee: `tried` is how often; 0 means that this run says nothing about it."""

    name: str
    tried: int = 0
    figures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add_violation(self, kind: str, detail: str) -> None:
        """Count a violation: `kind` is lost, duplicated, reordered, diverged, gap and the like."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_EXAMPLES:
            self.examples.append(f"{kind}: {detail}")

    @property
    def held(self) -> bool:
        return not self.counts
