"""What an object's key tells: whose log it is, and whether it is known to be something else than CloudTrail records.

A key is ``[prefix/]AWSLogs/[o-orgid/]ACCOUNT/KIND/REGION/...``. Only a listed kind is passed over: everything else,
``CloudTrail-Insight`` and kinds that do not exist yet included, is read, and its content decides. The prefix is the
operator's and proves nothing.
"""

from __future__ import annotations

import re

from trailstream.model.delivery import ObjectRef, Skip

OTHER_KINDS = {
    "CloudFront": "cloudfront",
    "CloudTrail-Digest": "cloudtrail_digest",
    "Config": "config",
    "GuardDuty": "guardduty",
    "WAFLogs": "waf",
    "elasticloadbalancing": "elastic_load_balancing",
    "globalaccelerator": "global_accelerator",
    "network-firewall": "network_firewall",
    "redshift": "redshift",
    "vpcdnsquerylogs": "route53_resolver",
    "vpcflowlogs": "vpc_flow_logs",
}
"""What other services write to the same bucket, by the segment after the account, as each documents its keys; the
reason of the skip beside it."""

FOLDER = "folder"
"""The reason for the zero-byte object with which the S3 console stands for a folder."""

UP_TO_KIND = r"(?:.*/)?AWSLogs/(?:o-[a-z0-9]{10,32}/)?(?P<account>\d{12})/(?P<kind>[^/]+)/"
_LAYOUT = re.compile(UP_TO_KIND, re.DOTALL | re.ASCII)


def skip_by_key(ref: ObjectRef) -> Skip | None:
    """Return why this object need not be read, or None where it must be."""
    if ref.key.endswith("/") and ref.size == 0:
        return Skip(FOLDER, ref.uri)
    layout = _LAYOUT.match(ref.key)
    reason = OTHER_KINDS.get(layout["kind"]) if layout else None
    return Skip(reason, ref.uri) if reason else None


def account_in_key(key: str) -> str | None:
    """Return the account under whose name the object was written, or None where the key does not say."""
    layout = _LAYOUT.match(key)
    return layout["account"] if layout else None
