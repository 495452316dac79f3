"""The checkpoint in use: what new ones are measured against."""

from pathlib import Path

from action_model.checkpoint import DEFAULT
from proxy.settings import load_settings


def checkpoint_in_use(config: Path | None, named: Path | None) -> Path:
    """The one that was named, else that of the settings, else the one in the package. Raises SettingsError."""
    if named is not None:
        return named
    told = load_settings(config).checkpoint
    return Path(told) if told else DEFAULT
