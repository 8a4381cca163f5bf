"""What may be read at all. Whoever can write to the queue can name any object, and has it read with our permissions."""

from __future__ import annotations

from collections.abc import Collection

from trailstream.model.errors import NotAllowedError


class AllowList:
    """The buckets and the accounts of the logs that are meant to be read; an empty list allows any."""

    def __init__(self, *, buckets: Collection[str] = (), accounts: Collection[str] = ()) -> None:
        self._buckets = frozenset(buckets)
        self._accounts = frozenset(accounts)

    def check_bucket(self, bucket: str) -> None:
        """Raise :class:`NotAllowedError` where logs are not read from this bucket."""
        if self._buckets and bucket not in self._buckets:
            raise NotAllowedError(f"bucket {bucket} is not one of logs.buckets")

    def check_account(self, account: str | None) -> None:
        """Raise :class:`NotAllowedError` where logs of this account are not read; None is a key that names none."""
        if self._accounts and account not in self._accounts:
            raise NotAllowedError(f"account {account or 'unknown'} is not one of logs.accounts")
