"""The command `libyaevents`: files and flags come in; results go to stdout, everything else to stderr.

What is heavy is imported by the command that needs it: `--help` and mistyped flags get a quick answer. No
module with commands postpones its annotations (`from __future__`): typer would compile each of them twice.
"""

from libyaevents.cli import batch, benchmark, documents, models, server  # noqa: F401 - they bring the commands
from libyaevents.cli.app import app, main

__all__ = ["app", "main"]
