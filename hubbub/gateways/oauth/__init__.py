"""Signing in with others: OpenID Connect issuers and GitHub, over HTTPS."""
