from __future__ import annotations

import pytest

from trailstream.model.principal import Principal

ROLE = "arn:aws:sts::111122223333:assumed-role/trailstream/0a1b2c3d"
USER = "arn:aws:iam::111122223333:user/deploy"


def by(arn: object) -> dict[str, object]:
    return {"userIdentity": {"type": "AssumedRole", "arn": arn}}


@pytest.mark.parametrize(
    ("own", "caller", "expected"),
    [
        (ROLE, ROLE, True),
        (ROLE, "arn:aws:sts::111122223333:assumed-role/trailstream/another-session", True),
        (ROLE, "arn:aws:sts::111122223333:assumed-role/trailstream-admin/0a1b2c3d", False),
        (ROLE, "arn:aws:sts::444455556666:assumed-role/trailstream/0a1b2c3d", False),
        (ROLE, USER, False),
        (USER, USER, True),
        (USER, f"{USER}2", False),
        (
            "arn:aws-us-gov:sts::111122223333:assumed-role/t/s",
            "arn:aws-us-gov:sts::111122223333:assumed-role/t/x",
            True,
        ),
        (ROLE, None, False),
        (ROLE, 7, False),
    ],
)
def test_a_role_made_what_any_of_its_sessions_made_and_a_user_what_it_made_itself(
    own: str, caller: object, *, expected: bool
) -> None:
    assert Principal(own).made(by(caller)) is expected


def test_what_it_made_in_a_role_that_it_assumes_is_its_own_and_another_session_of_that_role_is_not() -> None:
    assumed = "arn:aws:sts::444455556666:assumed-role/read-logs"
    principal = Principal(ROLE, frozenset({f"{assumed}/trailstream"}))
    callers = [f"{assumed}/trailstream", f"{assumed}/ana", ROLE]
    assert [principal.made(by(caller)) for caller in callers] == [True, False, True]


@pytest.mark.parametrize("record", [{}, {"userIdentity": None}, {"userIdentity": "root"}])
def test_a_record_without_an_actor_is_nobodys(record: dict[str, object]) -> None:
    assert not Principal(ROLE).made(record)
