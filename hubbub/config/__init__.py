"""Settings: read once from the environment and `.env`, checked, frozen."""

from hubbub.config.environment import load
from hubbub.config.mistakes import ConfigError
from hubbub.config.settings import Settings

__all__ = ["ConfigError", "Settings", "load"]
