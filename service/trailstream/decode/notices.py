"""Any envelope that tells of a new log object, or carries a record itself -> a :class:`Notice`.

One queue may receive all of them, and whoever configured it may have put SNS or EventBridge in between:

==================================================  ==========================================================
S3 notification                                     an object for each ``ObjectCreated`` in ``Records``
SNS around any of these                             what its ``Message`` says
``s3:TestEvent``                                    skipped: S3 sends it once, when a notification is configured
EventBridge "Object Created" from aws.s3            an object
CloudTrail's own SNS notification                   an object for each ``s3ObjectKey``
``CloudTrail validation message.``                  skipped: CloudTrail sends it when its topic is configured
EventBridge "... via CloudTrail"                    the record in ``detail``
S3 events that create nothing                       skipped
anything else                                       not understood
==================================================  ==========================================================

A message may be understood in part. What was understood is worked on and what was not is kept as its reason, so that
the message as a whole is never forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote_plus

from trailstream.decode.json_text import parse_json
from trailstream.decode.keys import skip_by_key
from trailstream.model.delivery import InlineRecord, Notice, ObjectRef, Skip
from trailstream.model.errors import DamageError, NotUnderstoodError
from trailstream.model.times import unix_seconds

MAX_WRAPPING = 3
"""EventBridge in SNS in SNS is as deep as anyone can configure; deeper is an attack on the stack."""

MAX_REFERENCES = 10_000
"""Objects in one message. S3 and CloudTrail name a handful; more is an attack on the worker's time."""

_VALIDATION_MESSAGE = "CloudTrail validation message."
_S3_MAJOR_VERSION = "2"  # "Event message structure" in the S3 user guide: a new major version is incompatible
_EVENTBRIDGE_S3_MAJOR_VERSION = "1"

NOT_CREATED = (
    *("IntelligentTiering", "LifecycleExpiration:", "LifecycleTransition", "ObjectAcl:", "ObjectAnnotation"),
    *("ObjectRemoved:", "ObjectRestore:", "ObjectTagging:", "ReducedRedundancyLostObject", "Replication:"),
    *("Object ACL Updated", "Object Access Tier Changed", "Object Annotation ", "Object Deleted", "Object Restore "),
    *("Object Storage Class Changed", "Object Tags "),
)
"""What S3 tells of that creates no object, as event names and, with spaces, as EventBridge has them. Prefixes."""

_Part = ObjectRef | InlineRecord | Skip | NotUnderstoodError


def read_notice(body: str) -> Notice:
    """Return what the message says, or raise :class:`NotUnderstoodError` where none of it was understood."""
    parts = list(_read_text(body, MAX_WRAPPING))
    not_understood = [part for part in parts if isinstance(part, NotUnderstoodError)]
    if len(not_understood) == len(parts):
        raise not_understood[0] if not_understood else NotUnderstoodError("the message names no objects")
    return Notice(
        objects=tuple(dict.fromkeys(part for part in parts if isinstance(part, ObjectRef))),
        records=tuple(part for part in parts if isinstance(part, InlineRecord)),
        skipped=tuple(part for part in parts if isinstance(part, Skip)),
        not_understood=tuple(str(part) for part in not_understood),
    )


def _read_text(text: str, wrapping: int) -> Iterator[_Part]:
    if text.strip() == _VALIDATION_MESSAGE:
        yield Skip("validation_message", _VALIDATION_MESSAGE)
        return
    try:
        document = parse_json(text.encode("utf-8", "surrogatepass"))
    except DamageError as error:
        yield NotUnderstoodError(f"the message is not JSON: {error}")
        return
    yield from _read_document(document, wrapping)


def _read_document(document: Any, wrapping: int) -> Iterator[_Part]:
    match document:
        case {"Records": list(entries)}:
            yield from _each(entries, _read_s3_entry)
        case {"Type": "Notification", "Message": str(message)}:
            if wrapping:
                yield from _read_text(message, wrapping - 1)
            else:
                yield NotUnderstoodError(f"SNS notifications are wrapped in each other more than {MAX_WRAPPING} deep")
        case {"Service": "Amazon S3", "Event": "s3:TestEvent"}:
            yield Skip("test_event", "s3:TestEvent")
        case {"detail-type": str(kind), "detail": dict(detail)}:
            yield _read_event(document, kind, detail)
        case {"s3Bucket": str(bucket), "s3ObjectKey": list(keys)} if bucket and keys:
            yield from _each(keys, lambda key: _object_or_skip(bucket, {"key": key}, key))
        case dict():
            yield NotUnderstoodError(f"no known envelope has just these keys: {', '.join(sorted(document)[:8])}")
        case _:
            yield NotUnderstoodError("the message is JSON, but no object")


def _read_s3_entry(entry: Any) -> _Part:
    match entry:
        case {
            "eventSource": "aws:s3",
            "eventName": str(name),
            "s3": {"bucket": {"name": str(bucket)}, "object": dict(item)},
        }:
            version = entry.get("eventVersion", _S3_MAJOR_VERSION)
            if _major(version) != _S3_MAJOR_VERSION:
                return NotUnderstoodError(f"S3 event structure version {version!r} is not {_S3_MAJOR_VERSION}.x")
            if not _creates(name):
                return _skip_or_refuse(name)
            key = item.get("key")
            # S3 form-encodes keys in its notifications: a space arrives as "+".
            decoded = unquote_plus(key) if isinstance(key, str) else key
            return _object_or_skip(bucket, item, decoded, time=entry.get("eventTime"))
        case {"eventSource": "aws:s3", "eventName": str(name)} if not _creates(name):
            return _skip_or_refuse(name)
        case {"eventSource": str(source)}:
            return NotUnderstoodError(f"an entry of Records from {source!r} is no S3 notification")
        case _:
            return NotUnderstoodError("an entry of Records is no S3 notification")


def _creates(name: str) -> bool:
    return name.removeprefix("s3:").startswith("ObjectCreated:")


def _skip_or_refuse(name: str) -> Skip | NotUnderstoodError:
    if name.removeprefix("s3:").startswith(NOT_CREATED):
        return Skip("not_created", name)
    return NotUnderstoodError(f"an S3 event {name!r} that nobody here knows")


def _each(entries: Sequence[Any], read: Callable[[Any], _Part]) -> Iterator[_Part]:
    if len(entries) > MAX_REFERENCES:
        yield NotUnderstoodError(f"the message names {len(entries)} objects, more than {MAX_REFERENCES}")
        return
    yield from map(read, entries)


def _read_event(event: dict[str, Any], kind: str, detail: dict[str, Any]) -> _Part:
    if kind.endswith(" via CloudTrail"):
        named = isinstance(detail.get("eventVersion"), str) or isinstance(detail.get("eventName"), str)
        return InlineRecord(detail) if named else NotUnderstoodError(f"{kind!r} holds no CloudTrail record")
    if event.get("source") != "aws.s3":
        return NotUnderstoodError(f"an EventBridge event {kind!r} from {event.get('source')!r} tells of no log object")
    if kind != "Object Created":
        return _skip_or_refuse(kind)
    version = detail.get("event-version", _EVENTBRIDGE_S3_MAJOR_VERSION)
    if _major(version) != _EVENTBRIDGE_S3_MAJOR_VERSION:
        return NotUnderstoodError(
            f"EventBridge's S3 event version {version!r} is not {_EVENTBRIDGE_S3_MAJOR_VERSION}.x"
        )
    match detail:
        case {"bucket": {"name": str(bucket)}, "object": dict(item)}:
            # EventBridge leaves keys as they are: a "+" is a "+".
            return _object_or_skip(bucket, item, item.get("key"), time=event.get("time"))
        case _:
            return NotUnderstoodError("an EventBridge event 'Object Created' names no bucket and object")


def _object_or_skip(
    bucket: str, item: dict[str, Any], key: Any, *, time: Any = None
) -> ObjectRef | Skip | NotUnderstoodError:
    if not isinstance(key, str) or not key or not bucket:
        return NotUnderstoodError("an object without a bucket's name or a key")
    size = item.get("size")
    ref = ObjectRef(
        bucket=bucket,
        key=key,
        version_id=_text(item.get("versionId")) or _text(item.get("version-id")),
        size=size if isinstance(size, int) else None,
        event_time=unix_seconds(time),
    )
    return skip_by_key(ref) or ref


def _major(version: Any) -> str:
    return version.partition(".")[0] if isinstance(version, str) else ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
