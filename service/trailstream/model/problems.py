"""What is wrong with what an operator wrote: every problem at once, each with where it stands and a remedy.

They end the program before it takes a delivery, with exit code 2::

    ConfigurationError      the settings
    └── RulesError          the rules
        └── RulesUnreadError    where they are cannot be read now; of rules that are exchanged, the old ones stay
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from trailstream.model.errors import TrailstreamError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what an operator wrote, and what to do about it."""

    where: str
    """The setting's name, or ``file:line``."""
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.remedy})" if self.remedy else "")


class ConfigurationError(TrailstreamError):
    """The settings are not usable; ``problems`` holds every reason, not the first."""

    code = "configuration"
    noun: ClassVar[str] = "problem with the configuration"

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems in the order in which they were found."""
        plural = "s" if len(problems) != 1 else ""
        noun = self.noun.replace("problem", f"problem{plural}", 1)
        super().__init__("\n".join([f"{len(problems)} {noun}:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


class RulesError(ConfigurationError):
    """The rules are not usable; ``problems`` holds every reason, not the first."""

    code = "rules"
    noun = "problem with the rules"


class RulesUnreadError(RulesError):
    """Where the rules are cannot be read at the moment."""

    code = "rules_unread"

    def __init__(self, place: str, detail: str) -> None:
        """``place`` is a directory or an ``s3://`` prefix."""
        super().__init__([Problem(place, detail)])
        self.place = place
        self.detail = detail
