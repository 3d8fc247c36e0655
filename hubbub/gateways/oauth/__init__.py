"""OAuth login with OpenID Connect issuers and GitHub, over HTTPS."""
