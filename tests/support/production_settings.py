"""The environment variables that production requires."""

PRODUCTION_SECRET_KEY = "9f4c1e7a0b6d83520c5be917fa2d6480"
PRODUCTION_ENVIRONMENT = {
    "HUBBUB_ENV": "production",
    "HUBBUB_SECRET_KEY": PRODUCTION_SECRET_KEY,
    "HUBBUB_PUBLIC_URL": "https://chat.example",
    "HUBBUB_SMTP_URL": "off",
}
