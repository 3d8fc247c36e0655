"""What all namespaces share: sockets, their events and acks, limits, and their ends."""
