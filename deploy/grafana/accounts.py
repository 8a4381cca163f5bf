"""For whoever answers for the accounts: who sends what, and who has fallen silent."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from .vocabulary import PLAIN, PanelText, Query, above, chosen, dashboard, graph, ranking, row, single

OF = 'job=~"$job", account=~"$account"'
RATE = "[$__rate_interval]"
HOUR = 3600

_HEARD = f"max by (account) (max_over_time(trailstream_account_last_object_timestamp_seconds{{{OF}}}[6h]))"
_WATCHED = f"max by (account) (trailstream_watched_account{{{OF}}}) == 1"


def accounts() -> builders.Dashboard:
    """Return the dashboard."""
    objects = 'trailstream_account_processed_objects_total{job=~"$job"}'
    board = dashboard(
        "trailstream-accounts",
        "trailstream / accounts",
        "Who sends what, and who has fallen silent. An account is the one that an object's key names; beyond "
        "telemetry.max_other_accounts they share `other`.",
        chosen("account", "Account", f"label_values({objects}, account)"),
    )
    _silence(board)
    _volume(board)
    _matches(board)
    return board


def _silence(board: builders.Dashboard) -> None:
    board.with_row(row("Who is heard"))
    seen = PanelText(
        "Accounts", "That have series of their own: those of telemetry.accounts, and others that were heard.", "none"
    )
    board.with_panel(
        single(
            seen, f'count(count by (account) (trailstream_account_processed_objects_total{{account!="other", {OF}}}))'
        )
    )
    watched = PanelText("Watched", "Accounts in telemetry.accounts: only their silence raises an alert.", "none")
    board.with_panel(single(watched, f"count({_WATCHED}) or vector(0)"))
    silent = PanelText(
        "Silent for an hour",
        "Of the watched accounts.",
        "none",
        above(None, 1),
        ["TrailstreamAccountSilent"],
    )
    board.with_panel(single(silent, f"count(time() - {_HEARD} > {HOUR} and on (account) {_WATCHED}) or vector(0)"))
    ages = PanelText(
        "Last heard",
        "How long ago the newest log object of each account had been created; decades where none was read yet.",
        "s",
        above(HOUR / 2, HOUR),
        ["TrailstreamAccountSilent", "TrailstreamSilent"],
    )
    board.with_panel(ranking(ages, f"sort_desc(time() - {_HEARD})", width=12, value="Silent for"))


def _volume(board: builders.Dashboard) -> None:
    board.with_row(row("Who sends what"))
    for title, metric in (
        ("Log objects", "trailstream_account_processed_objects_total"),
        ("Records", "trailstream_account_decoded_records_total"),
    ):
        text = PanelText(f"{title}, the twenty busiest", "By account.", "ops")
        expression = f"topk(20, sum by (account) (rate({metric}{{{OF}}}{RATE})))"
        board.with_panel(graph(text, Query(expression, "{{account}}"), stacked=True))
    text = PanelText("Records in this time", "By account.", "short")
    board.with_panel(
        ranking(
            text,
            f"topk(50, sum by (account) (increase(trailstream_account_decoded_records_total{{{OF}}}[$__range])))",
            value="Records",
        )
    )


def _matches(board: builders.Dashboard) -> None:
    board.with_row(row("What is found there"))
    text = PanelText("Matches by account", "The ten with the most.", "none", PLAIN, ["TrailstreamStorm"])
    expression = f"topk(10, sum by (account) (increase(trailstream_account_matched_records_total{{{OF}}}{RATE})))"
    board.with_panel(graph(text, Query(expression, "{{account}}"), stacked=True, width=12))
    text = PanelText("Matches in this time", "By account and severity.", "short")
    expression = (
        f"sum by (account, severity) (increase(trailstream_account_matched_records_total{{{OF}}}[$__range])) > 0"
    )
    board.with_panel(ranking(text, expression, width=12, value="Matches"))
