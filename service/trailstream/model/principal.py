"""Who trailstream itself is to AWS, so that it can tell what it caused."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trailstream.model.record import Record, text_at

_ROLE_SESSION = re.compile(r"(arn:[^:]+:sts::\d{12}:assumed-role/[^/]+/).*")


@dataclass(frozen=True, slots=True)
class Principal:
    """A role in any of its sessions, or a user; and what it is where it assumes a role."""

    arn: str
    """As STS's GetCallerIdentity gives it: of a role, that of one session."""
    sessions: frozenset[str] = frozenset()
    """The ARNs of the sessions of other roles that it assumes. Others may have sessions of those roles, too."""

    def made(self, record: Record) -> bool:
        """Say whether a record tells of a call that this principal made."""
        caller = text_at(record, "userIdentity", "arn")
        if caller is None:
            return False
        session = _ROLE_SESSION.fullmatch(self.arn)
        ours = caller.startswith(session[1]) if session else caller == self.arn
        return ours or caller in self.sessions
