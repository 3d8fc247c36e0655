"""Work that is done behind people's backs."""
