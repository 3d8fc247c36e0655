"""Attacks on a live instance: what they send, who sends it, and the honest clients beside them."""
