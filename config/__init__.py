"""The configuration: `load` gives a `Config` or raises `ConfigErrors` with every mistake at once."""

from config.errors import ConfigError, ConfigErrors, Mistake
from config.loader import Reading, load, read
from config.model import Config

__all__ = ["Config", "ConfigError", "ConfigErrors", "Mistake", "Reading", "load", "read"]
