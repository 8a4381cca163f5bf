"""The environment and one TOML file -> frozen settings. Nothing else in the package reads the environment.

A setting is ``name`` under ``[section]`` in the file, or ``TRAILSTREAM_SECTION__NAME`` in the environment, which wins.
AWS credentials and profiles are not settings: botocore finds them where it always does. The sections are imported from
the modules that they stand in.
"""

from __future__ import annotations

from trailstream.config.loading import (
    CONFIG_PATH_VARIABLE,
    FAILPOINT_VARIABLE,
    config_path_from_environment,
    ecs_agent_from_environment,
    environment_for_rules,
    failpoint_from_environment,
    load_settings,
)
from trailstream.config.settings import ENV_PREFIX, Settings, ToolSettings, WorkerSettings

__all__ = [
    "CONFIG_PATH_VARIABLE",
    "ENV_PREFIX",
    "FAILPOINT_VARIABLE",
    "Settings",
    "ToolSettings",
    "WorkerSettings",
    "config_path_from_environment",
    "ecs_agent_from_environment",
    "environment_for_rules",
    "failpoint_from_environment",
    "load_settings",
]
