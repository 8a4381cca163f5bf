"""For whoever runs trailstream: is it healthy, how far behind is it, what fails, how full is it, what does it cost."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from .vocabulary import PLAIN, PanelText, Query, Step, above, dashboard, graph, row, single

MINUTE = 60
JOB = 'job=~"$job"'
RATE = "[$__rate_interval]"

PRICES = {
    "price_sqs": ("SQS, $ per million requests", "0.40"),
    "price_s3": ("S3, $ per million GETs", "0.40"),
    "price_sns": ("SNS, $ per million publishes", "0.50"),
    "price_task": ("Fargate, $ per task and hour", "0.0395"),
}
"""List prices of us-east-1, as in deploy/simulate/inputs.py; a task of 1 vCPU and 2 GB on arm64. Type in your own."""

_REQUESTS = {
    "SQS": (
        f"sum(rate(trailstream_queue_polls_total{{{JOB}}}{RATE}))"
        f" + sum(rate(trailstream_deleted_deliveries_total{{{JOB}}}{RATE}))"
        f" + sum(rate(trailstream_visibility_extensions_total{{{JOB}}}{RATE}))"
    ),
    "S3": f"sum(rate(trailstream_processed_objects_total{{{JOB}}}{RATE}))",
    "SNS": f"sum(rate(trailstream_sent_alerts_total{{{JOB}}}{RATE}))",
}
_SPENT_AN_HOUR = (
    " + ".join(f"3600 / 1e6 * $price_{service.lower()} * ({rate})" for service, rate in _REQUESTS.items())
    + f" + $price_task * count(up{{{JOB}}})"
)


def operators() -> builders.Dashboard:
    """Return the dashboard."""
    prices = [
        builders.TextBoxVariable(name).label(label).default_value(price) for name, (label, price) in PRICES.items()
    ]
    board = dashboard(
        "trailstream-operators",
        "trailstream / operators",
        "Health, backlog, lag by stage, throughput, errors, saturation and cost of the workers.",
        *prices,
    )
    for add in (_health, _backlog, _lag, _throughput, _errors, _rules, _saturation, _cost):
        add(board)
    return board


def _health(board: builders.Dashboard) -> None:
    board.with_row(row("Health"))
    workers = PanelText(
        "Workers that answer",
        "Scrape targets that answer. None: nothing reads the queue.",
        "none",
        [Step(None, "red"), Step(1, "green")],
        ["TrailstreamAbsent", "TrailstreamWorkerDown"],
    )
    board.with_panel(single(workers, f"sum(up{{{JOB}}})"))
    firing = PanelText(
        "Alerts that fire", "Of these deployments; their times are marked in every graph.", "none", above(1)
    )
    board.with_panel(
        single(firing, f'count(ALERTS{{alertname=~"Trailstream.+", alertstate="firing", {JOB}}}) or vector(0)')
    )
    paused = PanelText(
        "Receiving",
        "Paused where a breaker is open: S3, a sink, the ledger or the window store failed five times in a row.",
        "none",
        above(None, 1),
        ["TrailstreamBreakerOpen"],
    )
    board.with_panel(single(paused, f"max(trailstream_breaker_open{{{JOB}}})", words={"0": "yes", "1": "paused"}))
    heard = PanelText(
        "Newest log object",
        "How long ago the newest log object that was read had been created, from whatever account.",
        "s",
        above(20 * MINUTE, 60 * MINUTE),
        ["TrailstreamSilent"],
    )
    board.with_panel(
        single(heard, f"time() - max(max_over_time(trailstream_last_object_timestamp_seconds{{{JOB}}}[6h]))")
    )
    rules = PanelText(
        "Rules in force", "Of the worker that has the fewest.", "none", [Step(None, "red"), Step(1, "green")]
    )
    board.with_panel(single(rules, f"min(sum by (job, instance) (trailstream_loaded_rules{{{JOB}}}))"))
    broken = PanelText("Broken rule files", "Left out at the start.", "none", above(1), ["TrailstreamRulesBroken"])
    board.with_panel(single(broken, f"max(trailstream_broken_rules{{{JOB}}})"))
    refused = PanelText(
        "Rules taken up",
        "Whether the rules in force are those that are there; broken ones are refused while we run.",
        "none",
        above(1),
        ["TrailstreamRulesRefused"],
    )
    board.with_panel(single(refused, f"max(trailstream_rules_refused{{{JOB}}})", words={"0": "yes", "1": "refused"}))


def _backlog(board: builders.Dashboard) -> None:
    board.with_row(row("Backlog"))
    age = PanelText(
        "How long deliveries have waited in the queue",
        "On their receive. A delivery that comes again counts from its first time.",
        "s",
        above(5 * MINUTE, 15 * MINUTE),
        ["TrailstreamBacklog", "TrailstreamQueueAge"],
    )
    waited = f'trailstream_lag_seconds_bucket{{{{stage="sent_to_received", {JOB}}}}}'
    quantile = f"histogram_quantile({{}}, sum by (le) (rate({waited}{RATE})))"
    board.with_panel(
        graph(age, *(Query(quantile.format(share), f"{name}") for share, name in ((0.5, "median"), (0.99, "p99"))))
    )
    flow = PanelText(
        "Deliveries in and out", "Received, and by what became of them.", "ops", PLAIN, ["TrailstreamNoProgress"]
    )
    board.with_panel(
        graph(
            flow,
            Query(f"sum(rate(trailstream_received_deliveries_total{{{JOB}}}{RATE}))", "received"),
            Query(f"sum by (outcome) (rate(trailstream_settled_deliveries_total{{{JOB}}}{RATE}))", "{{outcome}}"),
        )
    )
    again = PanelText(
        "Deliveries that come again",
        "Retries and what killed workers held. Each counts against the queue's maxReceiveCount.",
        "ops",
    )
    board.with_panel(
        graph(again, Query(f"sum(rate(trailstream_redelivered_deliveries_total{{{JOB}}}{RATE}))", "received again"))
    )


def _rules(board: builders.Dashboard) -> None:
    board.with_row(row("Rules"))
    again = PanelText(
        "Rules read again",
        "While the workers run, by what came of it.",
        "ops",
        PLAIN,
        ["TrailstreamRulesRefused"],
    )
    board.with_panel(
        graph(again, Query(f"sum by (reload) (rate(trailstream_rule_reloads_total{{{JOB}}}{RATE}))", "{{reload}}"))
    )
    since = PanelText("In force for", "By worker: whoever was not told of the new rules stands out.", "s")
    board.with_panel(
        graph(since, Query(f"time() - trailstream_rules_in_force_timestamp_seconds{{{JOB}}}", "{{instance}}"))
    )


def _lag(board: builders.Dashboard) -> None:
    board.with_row(row("Lag by stage"))
    for share, name in ((0.5, "Median"), (0.99, "p99")):
        lag = PanelText(
            f"{name} of the lag",
            "From the API call to the alert, by stage. event_to_object is CloudTrail's own, minutes.",
            "s",
        )
        expression = (
            f"histogram_quantile({share}, sum by (stage, le) (rate(trailstream_lag_seconds_bucket{{{JOB}}}{RATE})))"
        )
        board.with_panel(graph(lag, Query(expression, "{{stage}}")))
    objective = PanelText(
        "Late, of the last hour",
        "Objects received over 60 s after their creation, alerts accepted over 10 s after the receive. 1 % may be.",
        "percentunit",
        above(0.01, 0.144),
        ["TrailstreamLagObjectiveBurnsFast", "TrailstreamLagObjectiveBurnsSlowly"],
    )
    late = (
        f"sum by (stage) (job_stage:trailstream_lag_late:increase1h{{{JOB}}})"
        f" / sum by (stage) (job_stage:trailstream_lag_observed:increase1h{{{JOB}}})"
    )
    board.with_panel(graph(objective, Query(late, "{{stage}}")))


def _throughput(board: builders.Dashboard) -> None:
    board.with_row(row("Throughput"))
    objects = PanelText("Log objects", "Read to their end, or until they failed.", "ops")
    board.with_panel(
        graph(
            objects, Query(f"sum by (result) (rate(trailstream_processed_objects_total{{{JOB}}}{RATE}))", "{{result}}")
        )
    )
    records = PanelText(
        "Records", "By reader; ijson is for unusual layouts. Candidates are parsed whole for some rule.", "ops"
    )
    board.with_panel(
        graph(
            records,
            Query(f"sum by (reader) (rate(trailstream_decoded_records_total{{{JOB}}}{RATE}))", "{{reader}}"),
            Query(f"sum(rate(trailstream_candidate_records_total{{{JOB}}}{RATE}))", "candidates"),
        )
    )
    size = PanelText("Bytes", "As stored, and after decompression.", "Bps")
    board.with_panel(
        graph(
            size,
            Query(f"sum(rate(trailstream_compressed_read_bytes_total{{{JOB}}}{RATE}))", "stored"),
            Query(f"sum(rate(trailstream_inflated_read_bytes_total{{{JOB}}}{RATE}))", "inflated"),
        )
    )
    for thing, metric in (
        ("object", "trailstream_object_processing_duration_seconds"),
        ("delivery", "trailstream_delivery_handling_duration_seconds"),
    ):
        took = PanelText(f"Time for one {thing}", "Its alerts' way to the sinks included.", "s")
        quantile = f"histogram_quantile({{}}, sum by (le) (rate({metric}_bucket{{{{{JOB}}}}}{RATE})))"
        board.with_panel(graph(took, Query(quantile.format(0.5), "median"), Query(quantile.format(0.99), "p99")))
    sent = PanelText(
        "Alerts",
        "Accepted by a sink; kept back, because the ledger knows them as sent.",
        "ops",
        PLAIN,
        ["TrailstreamSinkFailing"],
    )
    board.with_panel(
        graph(
            sent,
            Query(f"sum by (sink) (rate(trailstream_sent_alerts_total{{{JOB}}}{RATE}))", "sent to {{sink}}"),
            Query(f"sum by (sink) (rate(trailstream_repeated_alerts_total{{{JOB}}}{RATE}))", "repeats for {{sink}}"),
        )
    )


def _errors(board: builders.Dashboard) -> None:
    board.with_row(row("Errors"))
    errors = PanelText(
        "Errors by stage and code",
        "Failures of the last minutes. What became of the deliveries is beside it.",
        "none",
        PLAIN,
        ["TrailstreamParseErrors", "TrailstreamLedgerUnavailable", "TrailstreamQuarantineUnavailable"],
    )
    failures = f"sum by (stage, code) (increase(trailstream_delivery_errors_total{{{JOB}}}{RATE})) > 0"
    board.with_panel(graph(errors, Query(failures, "{{stage}} {{code}}"), width=12))
    given_up = PanelText(
        "Given up",
        "Rejected deliveries go to the dead-letter queue. An alert that a sink refused has told nobody.",
        "none",
        above(1),
        ["TrailstreamDeadLetters", "TrailstreamDeadLetterQueueNotEmpty", "TrailstreamAlertRefused"],
    )
    board.with_panel(
        graph(
            given_up,
            Query(f'sum(increase(trailstream_settled_deliveries_total{{outcome="reject", {JOB}}}{RATE}))', "rejected"),
            Query(f"sum by (kind) (increase(trailstream_set_aside_total{{{JOB}}}{RATE}))", "set aside: {{kind}}"),
            width=12,
        )
    )
    calls = PanelText(
        "Failed calls to the queue", "They are tried again.", "none", PLAIN, ["TrailstreamQueueUnreachable"]
    )
    board.with_panel(
        graph(
            calls,
            Query(f'sum(increase(trailstream_queue_polls_total{{result="failed", {JOB}}}{RATE}))', "receive"),
            Query(f'sum(increase(trailstream_deleted_deliveries_total{{result="failed", {JOB}}}{RATE}))', "delete"),
            Query(f'sum(increase(trailstream_visibility_extensions_total{{result="failed", {JOB}}}{RATE}))', "extend"),
            width=12,
        )
    )
    skipped = PanelText(
        "Understood, and no work",
        "What is on the queue and is no CloudTrail log: narrow the bucket's notifications.",
        "none",
    )
    skips = f"sum by (reason) (increase(trailstream_skipped_entries_total{{{JOB}}}{RATE})) > 0"
    damaged = f"sum(increase(trailstream_damaged_records_total{{{JOB}}}{RATE}))"
    board.with_panel(graph(skipped, Query(skips, "{{reason}}"), Query(damaged, "damaged records"), width=12))


def _saturation(board: builders.Dashboard) -> None:
    board.with_row(row("Saturation"))
    slots = PanelText(
        "Slots taken",
        "All taken on an idle CPU: deliveries wait for S3 or a sink.",
        "percentunit",
        above(0.9),
        ["TrailstreamSlotsTaken"],
    )
    taken = f"trailstream_in_flight_deliveries{{{JOB}}} / trailstream_delivery_slots{{{JOB}}}"
    board.with_panel(graph(slots, Query(taken, "{{instance}}"), width=6))
    cpu = PanelText(
        "CPU", "CPUs in use. A worker decodes on one.", "percentunit", above(0.8), ["TrailstreamCpuSaturated"]
    )
    board.with_panel(graph(cpu, Query(f"rate(process_cpu_seconds_total{{{JOB}}}{RATE})", "{{instance}}"), width=6))
    memory = PanelText("Memory", "Resident. Bounded by the settings, not by the size of an object.", "bytes")
    board.with_panel(graph(memory, Query(f"process_resident_memory_bytes{{{JOB}}}", "{{instance}}"), width=6))
    files = PanelText(
        "File descriptors",
        "Of those that it may have.",
        "percentunit",
        above(0.8),
        ["TrailstreamFileDescriptorsRunOut"],
    )
    share = f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}}"
    board.with_panel(graph(files, Query(share, "{{instance}}"), width=6))


def _cost(board: builders.Dashboard) -> None:
    board.with_row(row("Cost"))
    requests = PanelText(
        "Billed requests",
        "Deletions are counted singly, which is the most that they can be: ten go into a call.",
        "ops",
    )
    board.with_panel(graph(requests, *(Query(rate, service) for service, rate in _REQUESTS.items()), stacked=True))
    spent = PanelText(
        "A month at this pace",
        "Tasks and requests at the prices above. Not in it: logs, storage, NAT, data between Regions.",
        "currencyUSD",
    )
    board.with_panel(graph(spent, Query(f"730 * ({_SPENT_AN_HOUR})", "$ a month")))
    each = PanelText("A million records", "What reading them costs at this pace.", "currencyUSD")
    read = f"sum(rate(trailstream_decoded_records_total{{{JOB}}}{RATE}))"
    board.with_panel(graph(each, Query(f"({_SPENT_AN_HOUR}) / 3600 / ({read} > 0) * 1e6", "$ per million")))
