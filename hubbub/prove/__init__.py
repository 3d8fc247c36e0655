"""`hubbub prove`: runs instances under load and faults, and checks the journals of their clients."""
