"""What Sigma's correlations refer to: rules and correlations, by name or title, in any file; and who alerts then."""

from __future__ import annotations

import pytest

from sigma_correlations import FAILED, ONE, RULES, SUCCESSFUL, USER, alerting, asked, correlation_text, only, together
from trailstream.model.alert import Severity
from trailstream.rules.loading import load

CHAIN = (
    correlation_text(
        "{type: temporal_ordered, rules: [many, successful_login], group-by: [userIdentity.arn], timespan: 1h}",
        "Outer",
        level="high",
    ),
    correlation_text(
        "{type: event_count, rules: [failed_login], group-by: [sourceIPAddress], timespan: 10m, condition: {gte: 10}}",
        "Inner",
        name="many",
        id="a8418a5a-5fc4-46b5-b23b-6c73beb19d41",
    ),
)


def test_a_correlation_may_wait_for_another_wherever_it_stands() -> None:
    loaded = together(*CHAIN)
    assert not loaded.problems
    outer, inner = sorted(loaded.correlations, key=lambda each: each.info.title, reverse=True)
    assert outer.info.severity is Severity.HIGH
    assert [source.rule_id for source in outer.sources] == ["a8418a5a-5fc4-46b5-b23b-6c73beb19d41", SUCCESSFUL]
    assert outer.sources[0].group_paths == (USER,), "its own groups, not those of the other"
    assert inner.sources[0].rule_id == FAILED
    assert alerting(loaded) == {"Outer"}


def test_a_correlation_without_a_level_has_the_highest_of_its_rules() -> None:
    rules = RULES.replace("name: failed_login", "name: failed_login\nlevel: low")
    rules = rules.replace("name: successful_login", "name: successful_login\nlevel: critical")
    body = "{type: temporal, rules: [failed_login, successful_login], timespan: 5m}"
    loaded = load([("a.yml", rules), ("b.yml", correlation_text(body)), ("c.yml", correlation_text(body, level="low"))])
    assert [each.info.severity.label for each in loaded.correlations] == ["critical", "low"]


def test_a_reference_may_be_a_title_where_nothing_has_that_name() -> None:
    """As Suzaku's documentation has it; the specification has ids and names."""
    body = "{type: temporal, rules: [Failed login, 'Successful login'], timespan: 3d}"
    assert [source.rule_id for source in asked(body).sources] == [FAILED, SUCCESSFUL]
    named = RULES.replace("name: successful_login", "name: Failed login")
    correlation = only(load([("rules.yml", f"{named}---\n{correlation_text(body.replace('Failed login, ', ''))}")]))
    assert [source.rule_id for source in correlation.sources] == [SUCCESSFUL]
    correlation = only(load([("rules.yml", f"{named}---\n{correlation_text(body)}")]))
    assert [source.rule_id for source in correlation.sources] == [SUCCESSFUL], "a name comes before a title"


def test_a_reference_may_be_a_number_where_an_id_is_one() -> None:
    numbered = correlation_text("{type: temporal, rules: [17], timespan: 5m}")
    (found,) = load([("rules.yml", f"{ONE.replace(FAILED, '17')}---\n{numbered}")]).correlations
    assert [source.rule_id for source in found.sources] == ["17"]


def test_a_reference_reaches_into_other_files() -> None:
    body = f"{{type: temporal, rules: [{FAILED.upper()}, successful_login], timespan: 5m}}"
    loaded = load([("a.yml", correlation_text(body)), ("deep/b.yml", RULES)])
    assert len(only(loaded).sources) == 2
    assert alerting(loaded) == {"C"}


def test_a_rule_that_nothing_waits_for_alerts_for_itself() -> None:
    loaded = together(correlation_text("{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}}"))
    assert alerting(loaded) == {"C", "Successful login"}


@pytest.mark.parametrize("said", [", generate: true}", ", generate: yes}", "}\ngenerate: true"])
def test_with_generate_a_rule_alerts_for_itself_as_well(said: str) -> None:
    body = "{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}" + said
    assert alerting(together(correlation_text(body))) == {"C", "Failed login", "Successful login"}


def test_a_rule_of_which_one_correlation_says_generate_alerts_whatever_another_says() -> None:
    body = "{type: event_count, rules: [failed_login], timespan: 5m, condition: {gte: 2}"
    loaded = together(correlation_text(body + "}", "A"), correlation_text(body + ", generate: true}", "B"))
    assert "Failed login" in alerting(loaded)


def test_a_broken_correlation_silences_no_rule() -> None:
    body = "{type: event_count, rules: [failed_login, nobody], timespan: 5m, condition: {gte: 2}}"
    assert alerting(together(correlation_text(body))) == {"Failed login", "Successful login"}


def test_a_rule_may_stand_in_the_file_of_its_correlation_too() -> None:
    correlation = correlation_text(
        "{type: event_count, rules: [Failed login], timespan: 5m, condition: {gte: 5}}", title="Many"
    )
    loaded = load([("a.yml", ONE), ("b.yml", f"{correlation}---\n{ONE}")])
    assert not loaded.problems
    assert [note.what for note in loaded.notes] == ["the same as a.yml; loaded once (Failed login)"]
    assert alerting(loaded) == {"Many"}
    other = ONE.replace("ConsoleLogin", "Other")
    (problem,) = load([("a.yml", other), ("b.yml", f"{correlation}---\n{ONE}")]).problems
    assert problem.where == "b.yml:5"
    assert "says something else" in problem.what


def test_correlations_that_wait_for_each_other_are_a_problem() -> None:
    def of(name: str, other: str) -> str:
        body = f"{{type: event_count, rules: [{other}], timespan: 5m, condition: {{gte: 2}}}}"
        return correlation_text(body, name.upper(), name=name)

    loaded = together(of("a", "b"), of("b", "c"), of("c", "a"), of("d", "d"))
    assert not loaded.correlations
    whats = [problem.what for problem in loaded.problems]
    assert 'waits for itself: "A" -> "B" -> "C" -> "A"' in whats
    assert 'waits for itself: "D" -> "D"' in whats
    assert len(whats) == 4
    assert alerting(loaded) == {"Failed login", "Successful login"}


def test_a_chain_of_correlations_is_bounded() -> None:
    chain = [
        correlation_text(
            f"{{type: event_count, rules: [{'failed_login' if not number else f'c{number - 1}'}], timespan: 5m, "
            "condition: {gte: 2}}",
            f"C{number}",
            name=f"c{number}",
        )
        for number in range(40, -1, -1)
    ]
    loaded = together(*chain)
    assert any("more than 16 correlations" in problem.what for problem in loaded.problems)


def test_a_correlation_on_a_broken_rule_is_a_problem_of_its_own() -> None:
    broken = ONE.replace("condition: selection", "condition: nothing").replace("53ba", "63ba")
    broken = broken.replace("failed_login", "broken")
    body = "{type: temporal, rules: [broken, failed_login], timespan: 5m}"
    loaded = together(broken, correlation_text(body))
    assert not loaded.correlations
    assert 'refers to "broken", which is broken' in [problem.what for problem in loaded.problems]


def test_a_correlation_on_a_rule_for_other_logs_is_passed_over_with_it() -> None:
    other = ONE.replace("product: aws, service: cloudtrail", "product: okta")
    other = other.replace("failed_login", "okta").replace("53ba", "63ba")
    loaded = together(other, correlation_text("{type: temporal, rules: [okta, failed_login], timespan: 5m}"))
    assert not loaded.problems
    assert not loaded.correlations
    assert [note.what for note in loaded.notes] == [
        "not evaluated: for another log source: product okta (document 3)",
        'not evaluated: refers to "okta", which is not evaluated (document 4)',
    ]


def test_a_name_that_two_rules_have_is_found_in_the_same_file_or_not_at_all() -> None:
    twin = ONE.replace("53ba", "63ba")
    body = "{type: temporal, rules: [failed_login], timespan: 5m}"
    assert (
        only(load([("a.yml", RULES + "---\n" + correlation_text(body)), ("b.yml", twin)])).sources[0].rule_id == FAILED
    )
    loaded = load([("a.yml", RULES), ("b.yml", twin), ("c.yml", correlation_text(body))])
    assert [problem.what for problem in loaded.problems] == [
        'refers to "failed_login", which is more than one rule: a.yml, b.yml'
    ]
