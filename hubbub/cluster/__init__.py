"""What instances share: the bus, presence."""
