"""Warnings of the plugin, as pytest shows those of others."""

from __future__ import annotations

import warnings

import pytest


def record_warning(config: pytest.Config, warning: Warning) -> None:
    """Have pytest show a warning at the end; no filter turns it into an error."""
    recorded = warnings.WarningMessage(warning, type(warning), "cachekit", 0)
    config.hook.pytest_warning_recorded.call_historic(
        kwargs={"warning_message": recorded, "when": "config", "nodeid": "", "location": None}
    )
