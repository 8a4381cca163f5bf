"""The report of a scan as its reader meets it: in a real browser, from a file, with nothing of it believed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from browser import Page, browser_page, browser_program
from samples import RULE, an_alert, topic_record
from trailstream.entrypoints.scan.report import Report
from trailstream.entrypoints.scan.summary import Summary
from trailstream.model.alert import Alert, RuleInfo, Severity

pytestmark = pytest.mark.skipif(
    browser_program() is None, reason="no Chromium is here: `make report-check` installs Debian's"
)

TRAIL_RULE = replace(RULE, id="trail", title="A trail was stopped", severity=Severity.CRITICAL)
HOSTILE = "</script><img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
SPOOFED = "user/\u202egpj.exe"


def alert(number: int, hour: int, rule: RuleInfo = RULE, **changes: Any) -> Alert:
    time = f"2026-11-22T{hour:02}:15:00Z"
    record = json.dumps(topic_record(number, eventTime=time)).encode()
    return an_alert(number, **{"rule": rule, "event_time": time, "record_json": record} | changes)


FOCUSED = "((e) => e.className.baseVal || e.className || e.id)(document.activeElement)"

ALERTS = [
    *(alert(number, 8 + number % 4) for number in range(60)),
    *(alert(number, 14, TRAIL_RULE, account="210987654321", event_name="StopLogging") for number in range(60, 65)),
    alert(70, 20, object=None, account=None, event_time=None, event_source=None, event_name=None, actor=None),
]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with browser_page(tmp_path) as opened:
        yield opened


async def show(page: Page, folder: Path, alerts: Sequence[Alert] = ALERTS, *, place: str = "", **limits: int) -> None:
    report, summary = Report(**limits), Summary()
    for each in alerts:
        summary.count(each)
        report.add(each)
    report.write(folder / "report.html", summary, ["s3://logs/AWSLogs/"])
    await page.open((folder / "report.html").as_uri() + place)


async def rows(page: Page) -> int:
    return len(await page.texts("tr.row"))


async def pager(page: Page) -> str:
    (text,) = await page.texts(".pager span")
    return text.replace("\N{EN DASH}", "-")


async def test_the_page_draws_everything_without_a_complaint_and_without_the_network(
    page: Page, tmp_path: Path
) -> None:
    await show(page, tmp_path)
    assert page.complaints == []
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "data"}
    assert (await page.texts(".figure"))[0] == "66"
    assert [text for text in await page.texts(".pill") if not text.startswith("0")] == ["5 critical", "61 high"]
    assert len(await page.texts("#timeline .bar")) == 5
    assert [text.split("\n")[0] for text in await page.texts(".facet h2")] == [
        *("RULES", "EVENTS", "ACTORS", "ACCOUNTS", "SOURCE ADDRESSES", "REGIONS")
    ]
    assert await pager(page) == "1-50 of 66"
    assert await page.run("document.title") == "trailstream scan: 66 alerts"


async def test_the_policy_of_the_page_keeps_its_own_script_from_the_network(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    tried = await page.run("fetch('http://127.0.0.1:9/').then(() => 'let through', (error) => String(error))")
    assert "Failed to fetch" in tried
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    assert not any(url.startswith("http") for url in page.requests)


async def test_a_record_is_one_click_away_whole_and_laid_out(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    await page.click("tr.row td.rule")
    (record,) = await page.texts(".opened pre")
    assert json.loads(record) == json.loads(ALERTS[60].record_json)
    assert '\n  "eventVersion": "1.08",' in record
    assert (await page.texts(".opened h3")) == ["A trail was stopped"]
    assert "record 60" in (await page.texts(".opened .actions h2"))[0].lower()
    (where,) = await page.texts(".object")
    assert where.startswith(str(ALERTS[60].object))
    link = await page.run("document.querySelector('.object a').href")
    assert link.startswith("https://console.aws.amazon.com/s3/object/logs?prefix=AWSLogs%2F")
    await page.click("tr.row td.rule")
    assert await page.texts(".opened") == []


async def test_a_long_number_and_odd_text_are_shown_as_they_stand_in_the_record(page: Page, tmp_path: Path) -> None:
    raw = b'{"n":12345678901234567890123,"f":1.10,"e":{},"l":[],"t":[1,[true,null]],"s":"a\\"b\\\\ \\u202e,{"}'
    await show(page, tmp_path, [an_alert(1, record_json=raw)])
    await page.click("tr.row td.rule")
    (record,) = await page.texts(".opened pre")
    assert "".join(record.split()) == "".join(raw.decode().split())
    assert '"e": {},\n  "l": [],\n  "t": [\n    1,' in record
    assert await page.texts(".escaped") == ["\\u202e"]


async def test_a_click_on_what_alerts_have_in_common_asks_for_those_alerts(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    await page.click(".facet:nth-child(4) .value", 1)  # the second account
    assert await pager(page) == "1-5 of 5"
    assert (await page.texts(".chip")) == ["210987654321"]
    assert [text.split("\n")[-1] for text in await page.texts(".facet:nth-child(4) .value")] == ["5", "60", "1"]
    await page.press("/")
    await page.type("nowhere")
    await page.run("new Promise((later) => setTimeout(later, 300))")
    assert (await page.texts(".nothing"))[-1] == "No alert is like that."
    await page.press("Escape")
    assert await pager(page) == "1-50 of 66"


async def test_a_bar_of_the_timeline_and_a_stretch_of_it_ask_for_their_time(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    await page.click("#timeline .bar", 4)
    assert await pager(page) == "1-5 of 5"
    await page.click("#timeline .right")
    assert await pager(page) == "1-50 of 66"
    boxes = await page.run(
        "[0, 1].map((i) => { const r = document.querySelectorAll('#timeline .bar')[i].getBoundingClientRect();"
        "return [i ? r.right + 1 : r.left - 1, r.y + 40]; })"
    )
    await page.drag(boxes[0], boxes[1])
    assert await pager(page) == "1-30 of 30"


async def test_the_search_looks_into_the_records(page: Page, tmp_path: Path) -> None:
    told = alert(99, 9, record_json=b'{"userAgent":"Kali Linux"}')
    await show(page, tmp_path, [*ALERTS, told])
    await page.press("/")
    await page.type("kali LINUX")
    await page.run("new Promise((later) => setTimeout(later, 300))")
    assert await pager(page) == "1-1 of 1"


async def test_everything_can_be_reached_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    reached = set()
    for _ in range(60):
        await page.press("Tab")
        reached.add(await page.run(FOCUSED))
        if await page.run("!!document.activeElement.closest('td.rule')"):
            break
    assert {"theme", "pill", "bar", "value", "search"} <= reached
    await page.press("Enter")
    assert len(await page.texts(".opened")) == 1
    assert await page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    await page.press("Escape")
    assert await page.texts(".opened") == []


async def test_the_pages_of_the_table_and_its_order(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path)
    await page.click(".pager button", 1)
    assert (await pager(page), await rows(page)) == ("51-66 of 66", 16)
    await page.click("th button", 1)
    assert (await pager(page), (await page.texts("tr.row .sev"))[0]) == ("1-50 of 66", "critical")
    await page.click("th button", 1)
    assert (await page.texts("tr.row .sev"))[0] == "high"


async def test_nothing_that_a_log_says_becomes_part_of_the_page(page: Page, tmp_path: Path) -> None:
    rule = replace(RULE, title=HOSTILE, description=HOSTILE, references=(HOSTILE, "javascript:document.title='owned'"))
    hostile = an_alert(
        1,
        rule=rule,
        object=f"s3://logs/{HOSTILE}",
        account=HOSTILE,
        region="javascript:1",
        actor=SPOOFED,
        event_name=HOSTILE,
        source_ip="__proto__",
        record_json=json.dumps(
            {"userAgent": HOSTILE, "name": SPOOFED, "__proto__": HOSTILE}, ensure_ascii=False
        ).encode(),
    )
    await show(page, tmp_path, [hostile, replace(hostile, id="2", source_ip="constructor")])
    await page.click("tr.row td.rule")
    assert await page.run("document.title") == "trailstream scan: 2 alerts"
    assert await page.run("document.querySelectorAll('img, main script, iframe').length") == 0
    assert HOSTILE in (await page.texts(".opened h3"))
    assert "user/\\u202egpj.exe" in (await page.texts(".opened dd"))
    assert "\u202e" not in await page.run("document.body.innerText")
    links = await page.run("[...document.querySelectorAll('.opened a')].map((a) => a.protocol)")
    assert set(links) == {"https:"}
    assert page.complaints == []


async def test_a_link_to_an_alert_opens_it(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path, place=f"#{ALERTS[3].id}")
    assert ALERTS[3].id in (await page.texts(".opened dd"))
    assert len(await page.texts("tr.row[data-open]")) == 1


async def test_what_is_left_out_and_what_failed_is_said_at_the_top(page: Page, tmp_path: Path) -> None:
    report, summary = Report(most_alerts=5), Summary(interrupted=True)
    for each in ALERTS:
        summary.count(each)
        report.add(each)
    summary.fail(f"s3://logs/{HOSTILE}", "object_denied", "AccessDenied")
    report.write(tmp_path / "report.html", summary, ["-"])
    await page.open((tmp_path / "report.html").as_uri())
    interrupted, left_out, failed = await page.texts(".notice")
    assert "interrupted" in interrupted
    assert "61 alerts are left out of 66" in left_out
    assert f"s3://logs/{HOSTILE}" in failed
    assert await rows(page) == 5


async def test_a_scan_that_found_nothing_has_a_page_too(page: Page, tmp_path: Path) -> None:
    await show(page, tmp_path, [])
    assert page.complaints == []
    assert await page.texts(".nothing") == ["No alerts.", "No alerts."]


async def test_it_is_dark_where_the_reader_s_desk_is_and_light_on_paper(page: Page, tmp_path: Path) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    await page.call("Emulation.setEmulatedMedia", features=dark)
    await show(page, tmp_path)
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.run(background) == "rgb(14, 19, 26)"
    await page.call("Emulation.setEmulatedMedia", media="print", features=dark)
    assert await page.run(background) == "rgb(255, 255, 255)"
    assert await page.run("getComputedStyle(document.getElementById('search')).display") == "none"
    await page.call("Emulation.setEmulatedMedia", media="", features=dark)
    await page.click("#theme")
    assert await page.run(background) == "rgb(244, 245, 247)"


async def test_a_page_of_ten_thousand_alerts_answers_at_once(page: Page, tmp_path: Path) -> None:
    many = [alert(number, number % 24, account=f"{number % 40:012}") for number in range(10_000)]
    await show(page, tmp_path, many)
    took = await page.run(
        "(() => { const start = performance.now(); document.querySelector('.facet:nth-child(4) .value').click();"
        "return performance.now() - start; })()"
    )
    assert await pager(page) == "1-50 of 250"
    assert took < 2000
