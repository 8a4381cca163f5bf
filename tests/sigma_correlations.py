"""Sigma correlations for tests: on two rules, what they load as and what is wrong with them."""

from __future__ import annotations

from trailstream.rules.correlation import Correlation
from trailstream.rules.loading import LoadedRules, load

RULES = """\
title: Failed login
id: 53ba33fd-3a50-4468-a5ef-c583635cfa92
name: failed_login
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, errorMessage: Failed authentication}
  condition: selection
---
title: Successful login
id: 4d0a2c83-c62c-4ed4-b475-c7e23a9269b8
name: successful_login
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: ConsoleLogin, responseElements.ConsoleLogin: Success}
  condition: selection
"""
ONE = RULES.partition("---\n")[0]
FAILED, SUCCESSFUL = "53ba33fd-3a50-4468-a5ef-c583635cfa92", "4d0a2c83-c62c-4ed4-b475-c7e23a9269b8"
USER = ("userIdentity", "arn")


def correlation_text(body: str, title: str = "C", **more: str) -> str:
    """Return a document with this correlation section."""
    keys = "".join(f"{key}: {value}\n" for key, value in {"title": title, **more}.items())
    return f"{keys}correlation: {body}\n"


def together(*documents: str) -> LoadedRules:
    """Load documents behind two rules, of failed and of successful logins."""
    return load([("rules.yml", "---\n".join((RULES, *documents)))])


def only(loaded: LoadedRules) -> Correlation:
    """Return the one correlation, of which there is nothing to say."""
    assert not loaded.problems, loaded.problems
    assert not loaded.notes, loaded.notes
    (found,) = loaded.correlations
    return found


def asked(body: str) -> Correlation:
    """Return what this correlation section asks of the two rules."""
    return only(together(correlation_text(body)))


def alerting(loaded: LoadedRules) -> set[str]:
    """Return the titles of what alerts for itself."""
    rules = {rule.info.title for rule in loaded.rules if rule.alerts}
    return rules | {each.info.title for each in loaded.correlations if each.alerts}


def problem_of(body: str) -> str:
    """Return what is wrong with this correlation section; it is said of its line."""
    loaded = together(correlation_text(body))
    assert not loaded.correlations
    (problem,) = loaded.problems
    path, line = problem.where.split(":")
    assert (path, line) == ("rules.yml", "18"), "the line of the correlation, in the third document"
    return problem.what
