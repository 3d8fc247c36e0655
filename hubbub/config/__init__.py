"""Settings: read once from the environment and `.env`, validated, frozen."""

from hubbub.config.environment import load, log_format
from hubbub.config.errors import ConfigError
from hubbub.config.settings import Settings

__all__ = ["ConfigError", "Settings", "load", "log_format"]
