"""pySigma's trees point down and up. Untied they are freed at once, and not when somebody looks for cycles.

Nobody may look: in a running worker a look at all objects of ten thousand rules holds everything up for half a second.
"""

from __future__ import annotations

from typing import Any

from sigma.rule import SigmaRule


def untie(node: Any) -> None:
    """Cut the links from a node of a tree, and from what is below it, to what is above."""
    pending = [node]
    while pending:
        each = pending.pop()
        pending += _below(each)
        while (above := getattr(each, "parent", None)) is not None:
            each.parent, each = None, above


def untie_rule(rule: SigmaRule) -> None:
    """Cut the links within a rule, which is of no use afterwards."""
    for detection in rule.detection.detections.values():
        untie(detection)
    rule.detection.parsed_condition.clear()


def _below(node: Any) -> list[Any]:
    found = [*(getattr(node, "args", None) or ()), *(getattr(node, "detection_items", None) or ())]
    return [each for each in found if hasattr(each, "parent")]
