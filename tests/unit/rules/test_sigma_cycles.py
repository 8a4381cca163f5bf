"""What pySigma makes of a rule is freed when it is compiled: nothing of it waits for the garbage collector."""

from __future__ import annotations

import gc
from collections import Counter

from trailstream.rules.loading import load

RULE = """\
title: Rule {0}
logsource: {{product: aws, service: cloudtrail}}
detection:
  sel: {{eventName: [A{0}, B{0}], userIdentity.arn|contains: x}}
  either:
  - eventSource: a
  - {{eventSource: b, errorCode: null}}
  words: [some, words]
  condition: (sel or words) and not 1 of either*
"""


def test_compiled_rules_leave_no_cycles_behind() -> None:
    load([("warm.yml", RULE.format("up"))])
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        loaded = load([(f"{number}.yml", RULE.format(number)) for number in range(20)])
        gc.collect()
        left = Counter(type(each).__qualname__ for each in gc.garbage if type(each).__module__.startswith("sigma"))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert len(loaded.rules) == 20
    assert not left
