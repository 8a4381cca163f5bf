"""Rules of Python code and what is counted over time, as the dashboard of detections shows them: one drama."""

from __future__ import annotations

from pathlib import Path

from .deployment import Deployment, deployed
from .drama import Drama, repeatedly
from .prometheus import Prometheus

SPECS = {
    "many_topics": "RuleID: Many.Topics\nSeverity: Medium\nThreshold: 2\nDedupPeriodMinutes: 60\n",
    "noted": "RuleID: Noted\nSeverity: Info\n",
    "raising": "RuleID: Raising\nSeverity: Low\n",
    "hanging": "RuleID: Hanging\nSeverity: Low\n",
}
CODE = {
    "many_topics": """
def rule(event):
    return event.get("eventName") == "CreateTopic"


def dedup(event):
    return "all"
""",
    "noted": """
def rule(event):
    return event.get("eventName") == "CreateTopic"


def destinations(event):
    return []
""",
    "raising": """
def rule(event):
    return event.get("eventName") == "CreateTopic" and event["nothing"]["of"]["this"]
""",
    "hanging": """
def rule(event):
    if event.get("eventName") == "Hang":
        while event.get("awsRegion"):
            pass
        return True
    return False
""",
}


async def counting(directory: Path, prometheus: Prometheus) -> None:
    """Count matches of old records and of one without a time, send some to no sink; let a rule raise, and one hang."""
    job = COUNTING.job
    windows = f'[windows.sqlite]\npath = "{directory / job}/windows.sqlite"'
    extra = f"{windows}\n[rules.python]\nmax_failures = 2\nbatch_seconds = 1"
    async with deployed(job, directory, prometheus, extra=extra) as deployment:
        write_rules(deployment)
        async with deployment.worker():
            await deployment.upload({})
            untimed = deployment.matching(eventTime=None)
            async with repeatedly(lambda: deployment.upload(*deployment.matching(2), *untimed), seconds=2):
                await prometheus.until_firing(job, "TrailstreamRuleUndecided")
                await deployment.upload(*deployment.matching(eventName="Hang"))
                await prometheus.until_counted(f'trailstream_lost_rule_processes_total{{job="{job}"}}')
            async with repeatedly(lambda: deployment.upload({}), seconds=5):
                await prometheus.until_quiet(job)


def write_rules(deployment: Deployment) -> None:
    """Write the rules of code beside the rule that each worker is started with."""
    rules = deployment.directory / "rules"
    rules.mkdir()
    for name, spec in SPECS.items():
        (rules / f"{name}.py").write_text(CODE[name])
        described = f"AnalysisType: rule\nFilename: {name}.py\nLogTypes: [AWS.CloudTrail]\n{spec}"
        (rules / f"{name}.yml").write_text(described)


COUNTING = Drama("trailstream-counting", counting, fires=("TrailstreamRuleUndecided",))
