"""Text: names, e-mail addresses, emoji, languages, time zones, code."""
