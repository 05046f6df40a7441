"""`towpath.yaml`: read once into strict and frozen models.

One ConfigError has all problems of the file, a line each: `towpath.yaml:12: unknown key …; did you mean …?`
"""

from towpath.config.keys.app import App, SmokeCheck, Source
from towpath.config.keys.app_rules import AppPolicy, IgnoreRule, PruneLimit
from towpath.config.keys.fields import DriftMode, ExtrasMode, parse_duration
from towpath.config.keys.gate import Approvals, Gate
from towpath.config.keys.image_watch import ImageWatch
from towpath.config.keys.models import (
    CONFIG_FILE,
    Config,
    Environment,
    HealthCheckExpression,
)
from towpath.config.keys.people import People, Person
from towpath.config.keys.scan import ScanIgnore, ScanPolicy
from towpath.config.load import config_schema, load_config, parse_config, resolve_source_url

__all__ = [
    "CONFIG_FILE",
    "App",
    "AppPolicy",
    "Approvals",
    "Config",
    "DriftMode",
    "Environment",
    "ExtrasMode",
    "Gate",
    "HealthCheckExpression",
    "IgnoreRule",
    "ImageWatch",
    "People",
    "Person",
    "PruneLimit",
    "ScanIgnore",
    "ScanPolicy",
    "SmokeCheck",
    "Source",
    "config_schema",
    "load_config",
    "parse_config",
    "parse_duration",
    "resolve_source_url",
]
