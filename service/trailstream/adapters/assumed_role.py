"""A role that is assumed to read a bucket: its keys, renewed before they end.

botocore's refreshable credentials ask again with every request while STS fails, and log a traceback each time. Here a
failure answers for what follows within seconds, and keys that are still good are used for as long as they are.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from trailstream.adapters.aws_errors import VENDOR_ERRORS, Cause, cause_of, detail_of
from trailstream.adapters.sigv4 import Keys
from trailstream.model.errors import ObjectUnavailableError, RoleDeniedError, TrailstreamError

if TYPE_CHECKING:
    from types_aiobotocore_sts import STSClient

SESSION_NAME = "trailstream"
"""The name of each session, which CloudTrail shows of its calls and a role's trust policy may ask for."""

RENEW_SECONDS = 900.0
"""How long before its end a session is renewed. One that is assumed with a role's session lasts an hour at the most."""

DOUBT_SECONDS = 60.0
"""How old a session has to be for a denied request to raise the doubt that it was revoked, or its role made anew."""

FAILURE_SECONDS = 5.0
"""For how long a failure answers for whatever else would ask, so that many slots do not ask one after another."""

_ERRORS = {
    Cause.UNAVAILABLE: ObjectUnavailableError,
    Cause.DENIED: RoleDeniedError,
    Cause.MISSING: RoleDeniedError,
    Cause.INVALID: RoleDeniedError,
}


class Role(NamedTuple):
    """A role, and what its trust policy may ask for."""

    arn: str
    external_id: str | None = None

    @property
    def session_arn(self) -> str:
        """Who calls in CloudTrail's records. A role's path is no part of it."""
        _, partition, _, _, account, resource = self.arn.split(":", 5)
        name = resource.rpartition("/")[2]
        return f"arn:{partition}:sts::{account}:assumed-role/{name}/{SESSION_NAME}"


class _Session(NamedTuple):
    keys: Keys
    began_at: float
    renew_at: float
    ends_at: float


class _Failure(NamedTuple):
    kind: type[TrailstreamError]
    detail: str
    at: float


_NONE = _Failure(ObjectUnavailableError, "its session has ended as soon as it began: the clock may be wrong", -math.inf)


class AssumedRole:
    """The keys of a role, assumed when they are first asked for, by one call at a time."""

    def __init__(self, role: Role, *, sts: STSClient, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives Unix seconds."""
        self._role = role
        self._sts = sts
        self._clock = clock
        self._session: _Session | None = None
        self._failure = _NONE
        self._renewing = asyncio.Lock()

    async def keys(self) -> Keys:
        """Return keys that are good at this moment.

        Raises :class:`RoleDeniedError` where the role may not be assumed, and :class:`ObjectUnavailableError` where STS
        does not answer; neither while there are good keys.
        """
        if self._is_due() and not (self._is_good() and self._renewing.locked()):
            async with self._renewing:
                if self._is_due() and not self._failed_just_now():
                    await self._renew()
        if self._session is None or not self._is_good():
            raise self._failure.kind(f"role {self._role.arn}: {self._failure.detail}")
        return self._session.keys

    def denied(self) -> None:
        """Say that a request with the keys was denied. New ones are then asked for, unless these are new themselves."""
        if self._session is not None and self._clock() - self._session.began_at >= DOUBT_SECONDS:
            self._session = self._session._replace(renew_at=self._clock())

    def _is_good(self) -> bool:
        return self._session is not None and self._clock() < self._session.ends_at

    def _is_due(self) -> bool:
        return self._session is None or self._clock() >= self._session.renew_at

    def _failed_just_now(self) -> bool:
        # Not "not before": a clock that was set back would keep us from asking for as long.
        return abs(self._clock() - self._failure.at) < FAILURE_SECONDS

    async def _renew(self) -> None:
        parameters: dict[str, Any] = {"RoleArn": self._role.arn, "RoleSessionName": SESSION_NAME}
        if self._role.external_id is not None:
            parameters["ExternalId"] = self._role.external_id
        try:
            given = (await self._sts.assume_role(**parameters))["Credentials"]
        except VENDOR_ERRORS as error:
            self._failure = _Failure(_ERRORS[cause_of(error)], detail_of(error), self._clock())
            return
        keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        ends_at = given["Expiration"].timestamp()
        self._session = _Session(keys, began_at=self._clock(), renew_at=ends_at - RENEW_SECONDS, ends_at=ends_at)
        self._failure = _NONE
