"""What a check says: a promise, what was tried, and each violation by the name it has in the literature."""

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 20  # violations of a kind that are told one by one

PROMISES = {
    "G1": "An ack means stored",
    "G2": "One order",
    "G3": "No holes, no repeats",
    "G4": "Sending again is safe",
    "G5": "Redis is an accelerator, not the truth",
    "G6": "The database down is an honest no",
    "G7": "One slow client hurts nobody",
    "G8": "Presence tells the truth",
    "G9": "Deploys are invisible",
    "G10": "Revocation is now",
    "G13": "A failover is over in seconds",
    "G14": "Safe reconnection to any instance",
}


@dataclass
class Verdict:
    """One promise: `tried` is how often; 0 means that this run says nothing about it."""

    name: str
    tried: int = 0
    figures: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def wrong(self, kind: str, what: str) -> None:
        """Count a violation: `kind` is lost, duplicated, reordered, diverged, gap and the like."""
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            self.examples.append(f"{kind}: {what}")

    @property
    def held(self) -> bool:
        return not self.counts
