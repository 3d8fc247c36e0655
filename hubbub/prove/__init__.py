"""`hubbub prove`: instances under load and faults, what their clients wrote down, and a judge of both."""
