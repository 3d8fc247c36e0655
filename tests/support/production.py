"""What hubbub needs in production, as variables of the environment."""

SECRET = "9f4c1e7a0b6d83520c5be917fa2d6480"
PRODUCTION = {
    "HUBBUB_ENV": "production",
    "HUBBUB_SECRET_KEY": SECRET,
    "HUBBUB_PUBLIC_URL": "https://chat.example",
    "HUBBUB_SMTP_URL": "off",
}
