"""`towpath.yaml`: read once into strict and frozen models.

One ConfigError has all problems of the file, a line each: `towpath.yaml:12: unknown key …; did you mean …?`
"""

from towpath.config.app import App, SmokeCheck, Source
from towpath.config.app_rules import AppPolicy, IgnoreRule, PruneLimit
from towpath.config.fields import DriftMode, ExtrasMode, parse_duration
from towpath.config.gate import Approvals, Gate
from towpath.config.image_watch import ImageWatch
from towpath.config.load import config_schema, load_config, parse_config, resolve_source_url
from towpath.config.models import (
    CONFIG_FILE,
    Config,
    Environment,
    HealthCheckExpression,
)
from towpath.config.people import People, Person
from towpath.config.scan import ScanIgnore, ScanPolicy

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
