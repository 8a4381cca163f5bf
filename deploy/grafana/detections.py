"""For whoever answers for the rules: what matches, how severe, where, and which rules are too noisy."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from .vocabulary import PLAIN, PanelText, Query, above, chosen, dashboard, graph, ranking, row, single

OF = 'job=~"$job", rule=~"$rule", severity=~"$severity"'
JOB = 'job=~"$job"'
RATE, RANGE = "[$__rate_interval]", "[$__range]"


def detections() -> builders.Dashboard:
    """Return the dashboard."""
    matches = 'trailstream_matched_records_total{job=~"$job"}'
    board = dashboard(
        "trailstream-detections",
        "trailstream / detections",
        "Matches by rule, severity and account; which rules are noisy. A repeated delivery's matches count again.",
        chosen("rule", "Rule", f"label_values({matches}, rule)"),
        chosen("severity", "Severity", f"label_values({matches}, severity)"),
    )
    _matches(board)
    _noise(board)
    _counted(board)
    _told(board)
    return board


def _matches(board: builders.Dashboard) -> None:
    board.with_row(row("What matches"))
    total = PanelText("Matches", "In this time.", "short")
    board.with_panel(single(total, f"sum(increase(trailstream_matched_records_total{{{OF}}}{RANGE}))"))
    severe = PanelText("High and critical", "Matches in this time.", "short", above(None, 1))
    board.with_panel(
        single(
            severe,
            f'sum(increase(trailstream_matched_records_total{{severity=~"high|critical", {OF}}}{RANGE})) or vector(0)',
        )
    )
    quiet = PanelText(
        "Rules without a match", "In this time, of all in force: is what they look for still called that?", "none"
    )
    board.with_panel(
        single(
            quiet,
            f"count(sum by (rule) (increase(trailstream_matched_records_total{{{OF}}}{RANGE})) == 0) or vector(0)",
        )
    )
    by_severity = PanelText("Matches by severity", "", "none")
    expression = f"sum by (severity) (increase(trailstream_matched_records_total{{{OF}}}{RATE}))"
    board.with_panel(graph(by_severity, Query(expression, "{{severity}}"), width=12, stacked=True))
    by_rule = PanelText("Matches by rule", "The ten with the most.", "none")
    expression = f"topk(10, sum by (rule) (increase(trailstream_matched_records_total{{{OF}}}{RATE})))"
    board.with_panel(graph(by_rule, Query(expression, "{{rule}}"), width=12, stacked=True))
    by_account = PanelText("Matches by account", "Of all rules: the ten accounts with the most.", "none")
    of_severity = f'{{severity=~"$severity", {JOB}}}'
    expression = f"topk(10, sum by (account) (increase(trailstream_account_matched_records_total{of_severity}{RATE})))"
    board.with_panel(graph(by_account, Query(expression, "{{account}}"), width=12, stacked=True))


def _noise(board: builders.Dashboard) -> None:
    board.with_row(row("Which rules are noisy"))
    noisy = PanelText(
        "The noisiest rules",
        "Matches in this time. Narrow those that nobody acts on.",
        "short",
        PLAIN,
        ["TrailstreamStorm"],
    )
    expression = f"topk(20, sum by (rule, severity) (increase(trailstream_matched_records_total{{{OF}}}{RANGE}))) > 0"
    board.with_panel(ranking(noisy, expression, value="Matches"))
    over = PanelText(
        "Beyond the budget",
        "Matches that are counted in a storm alert instead of an alert of their own.",
        "none",
        above(1),
        ["TrailstreamStorm"],
    )
    expression = f"sum by (rule) (increase(trailstream_over_budget_matches_total{{{OF}}}{RATE}))"
    board.with_panel(graph(over, Query(expression, "{{rule}}")))
    broken = PanelText(
        "Errors of rules, and our own records",
        "Records on which a rule raised an error, or a rule of code decided nothing; rules of code that were given up, "
        "and how often their process was lost; matches with calls of the worker's own role.",
        "none",
        above(1),
        ["TrailstreamRuleFailing", "TrailstreamRuleUndecided", "TrailstreamOwnRecordsMatched"],
    )
    board.with_panel(
        graph(
            broken,
            Query(
                f'sum by (rule) (increase(trailstream_failed_rule_evaluations_total{{rule=~"$rule", {JOB}}}{RATE}))',
                "error: {{rule}}",
            ),
            Query(
                f"sum by (fault) (increase(trailstream_skipped_rule_evaluations_total{{{JOB}}}{RATE}))",
                "undecided: {{fault}}",
            ),
            Query(f"sum(increase(trailstream_disabled_rules_total{{{JOB}}}{RATE}))", "given up"),
            Query(f"sum(increase(trailstream_lost_rule_processes_total{{{JOB}}}{RATE}))", "process lost"),
            Query(f"sum(increase(trailstream_own_matched_records_total{{{JOB}}}{RATE}))", "our own"),
        )
    )


def _counted(board: builders.Dashboard) -> None:
    board.with_row(row("What is counted over time"))
    windows = PanelText(
        "Windows by rule",
        "In which a correlation or a threshold was met; matches that are no alert of their own.",
        "none",
    )
    of_rule = f'rule=~"$rule", {JOB}'
    board.with_panel(
        graph(
            windows,
            Query(f"sum by (rule) (increase(trailstream_told_windows_total{{{of_rule}}}{RATE}))", "told: {{rule}}"),
            Query(f"sum by (rule) (increase(trailstream_joined_matches_total{{{of_rule}}}{RATE}))", "joined: {{rule}}"),
            width=12,
        )
    )
    kept = PanelText(
        "Matches kept to be counted",
        "Of them, late: what belongs with them may be forgotten. And those that could not be counted, by cause.",
        "none",
    )
    board.with_panel(
        graph(
            kept,
            Query(f"sum(increase(trailstream_committed_sightings_total{{{JOB}}}{RATE}))", "kept"),
            Query(f"sum(increase(trailstream_late_sightings_total{{{JOB}}}{RATE}))", "late"),
            Query(
                f"sum by (cause) (increase(trailstream_dropped_sightings_total{{{JOB}}}{RATE}))",
                "not counted: {{cause}}",
            ),
            width=12,
        )
    )


def _told(board: builders.Dashboard) -> None:
    board.with_row(row("What is told"))
    sent = PanelText(
        "Alerts",
        "Accepted by a sink; storm alerts among them; repeats that the ledger kept back; those that go to no sink.",
        "none",
    )
    board.with_panel(
        graph(
            sent,
            Query(f"sum by (sink) (increase(trailstream_sent_alerts_total{{{JOB}}}{RATE}))", "{{sink}}"),
            Query(f"sum by (sink) (increase(trailstream_storm_alerts_total{{{JOB}}}{RATE}))", "storms, {{sink}}"),
            Query(f"sum by (sink) (increase(trailstream_repeated_alerts_total{{{JOB}}}{RATE}))", "repeats, {{sink}}"),
            Query(f"sum(increase(trailstream_kept_alerts_total{{{JOB}}}{RATE}))", "to no sink"),
            width=12,
        )
    )
    late = PanelText(
        "From the call to the alert",
        "CloudTrail's own part is minutes; what is ours is from the receive on.",
        "s",
        PLAIN,
        ["TrailstreamLagObjectiveBurnsFast"],
    )
    quantile = (
        'histogram_quantile(0.9, sum by (stage, le) (rate(trailstream_lag_seconds_bucket{stage=~".+_to_alerted", '
        f"{JOB}}}{RATE})))"
    )
    board.with_panel(graph(late, Query(quantile, "p90 {{stage}}"), width=12))
