"""Changes to bytes, and changes to JSON that mostly leave it JSON."""

from __future__ import annotations

import random
import re

MAX_BYTES = 256 * 1024
"""No change makes more of an input than this, give or take one of its values."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[-+.0-9A-Za-z]+|[ \t\r\n]+|.', re.DOTALL)
_SCALAR = re.compile(rb'[-"0-9A-Za-z]')
_PLAIN_STRING = re.compile(rb'"[ !#-\[\]-~]+"\Z')
_CONTAINER = re.compile(rb"[\[{]\Z")
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")

VALUES = (
    *(b"null", b"true", b"0", b"-0", b"-1", b"1.5", b"1E2", b"-0.0", b"5e-324", b"1e-400", b"0e400", b"{}", b"[]"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1" * 400),
    *(b"1e400", b"-1E+999", b"9" * 320 + b".5", b"1e99999999999999999999", b'{"a":1,"a":1e400,"a":2}'),
    *(b'"\\ud800"', b'"\\ude00\\ud83d"', b'"\\ud83d\\ude00"', b'"\\ud83d\\ud83d\\ude00"', b'"\\u0000"', b'"\\\\"'),
    *(b'""', b'"\xc3\xa9\xe2\x80\xa8"', b'"\x7f"', b'"]}"', b'"{[{["', b'"a+b%2Fc%zz"', b'"\\u0043reateTopic"'),
    *(b'"},{\\"eventVersion\\":"', b'[{"eventVersion":"1.08"},{"eventVersion":"1.08"}]', b'"XYZZY"', b'"xyz\\u007Ay"'),
    *(b'"CreateTopic"', b'"aws:s3"', b'"ObjectCreated:Put"', b'"AWSLogs/111122223333/Config/x"'),
)
NO_VALUES = (
    *(b"NaN", b"-Infinity", b"01", b"1.", b"+1", b"'a'", b"1" * 4301, b'"\xed\xa0\x80"', b'"\xff"', b'"\n"', b'"\\x"'),
    *(b'"\\"', b'"\\uD8"', b"/**/1"),
)
NAMES = (b'"Records"', b'"eventVersion"', b'"eventName"', b'"userIdentity"', b'"count"', b'"s3"', b'"\\u0052ecords"')
BITS = (
    *(b"}", b"]", b"{", b"[", b",", b'"', b":", b"]}", b"\\", b" ", b"\x00", b"\xff", b"\xc3", b"\\ud800", b"e9"),
    *(b"\xef\xbb\xbf", b'},{"eventVersion":', b'{"Records":[', b"\x1f\x8b\x08"),
)
DEPTHS = (1, 9, 10, 11, 12, 13, 198, 199, 200, 201, 5_000)
COPIES = (1, 2, 30, 12_000)


def changed_bytes(chance: random.Random, data: bytes) -> bytes:
    """Change, insert or remove at a place or two."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        place = chance.randint(0, len(changed))
        until = place + chance.choice([0, 1, 1, 4, 100, len(changed)])
        changed[place:until] = chance.choice([b"", chance.choice(BITS), chance.randbytes(1), changed[place:until] * 2])
    return bytes(changed)


def changed_json(chance: random.Random, text: bytes) -> bytes:
    """Change some values, spellings, gaps and the order and number of members and elements; seldom any byte."""
    for _ in range(chance.randint(1, 4)):
        tokens = _TOKEN.findall(text)
        if tokens:
            chance.choice([_with_a_value, _respelled, _with_a_gap, _rearranged])(chance, tokens)
        text = b"".join(tokens)
    return changed_bytes(chance, text) if chance.random() < 0.2 else text


def _with_a_value(chance: random.Random, tokens: list[bytes]) -> None:
    """Put another value in the place of one, or put it in brackets; or give a member another name."""
    place = _any_place(chance, tokens, _SCALAR)
    if tokens[place + 1 : place + 2] == [b":"]:
        tokens[place] = chance.choice(NAMES)
    else:
        start, end = chance.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[1,{"eventVersion":', b"}]")])
        levels = chance.choice(DEPTHS)
        deep = start * levels + tokens[place] + end * levels
        value, other = chance.choice(VALUES), chance.choice(tokens)
        tokens[place] = chance.choice([value, value, value, deep, deep, other, chance.choice(NO_VALUES)])


def _respelled(chance: random.Random, tokens: list[bytes]) -> None:
    """Write a character of a string as an escape, wherever that string stands."""
    plain = tokens[_any_place(chance, tokens, _PLAIN_STRING)]
    if not _PLAIN_STRING.match(plain):
        return
    at = chance.randrange(1, len(plain) - 1)
    escape = b"\\/" if plain[at] == ord("/") else chance.choice([b"\\u%04x", b"\\u%04X"]) % plain[at]
    spelled = plain[:at] + escape + plain[at + 1 :]
    tokens[:] = [spelled if token == plain else token for token in tokens]


def _with_a_gap(chance: random.Random, tokens: list[bytes]) -> None:
    """Put white space between two tokens, or between all."""
    gap = chance.choice([b" ", b"\n\t", b"\r\n", b" " * 20_000])
    if len(gap) < 3 and chance.random() < 0.3:
        tokens[:] = [gap.join(tokens)]
    else:
        tokens.insert(chance.randint(0, len(tokens)), gap)


def _rearranged(chance: random.Random, tokens: list[bytes]) -> None:
    """Swap two members or elements of an object or array, or repeat one in another's place, or remove it."""
    children = _children(tokens, _any_place(chance, tokens, _CONTAINER))
    if not children:
        return
    (start, end), (other_start, other_end) = sorted(chance.choices(children, k=2))
    one, other = tokens[start:end], tokens[other_start:other_end]
    copies = min(chance.choice(COPIES), MAX_BYTES // (1 + len(b"".join(one))))
    if start != other_start and chance.random() < 0.5:
        tokens[other_start:other_end], tokens[start:end] = one, other
    elif copies and chance.random() < 0.8:
        tokens[other_start:other_end] = [*other, *([b",", *one] * copies)]
    else:
        tokens[start : end + 1] = []


def _children(tokens: list[bytes], opening: int) -> list[tuple[int, int]]:
    """Return from where to where the members or elements go, of the object or array that opens there."""
    found, depth, start = [], 0, opening + 1
    for place in range(start, len(tokens)):
        token = tokens[place]
        if depth == 0 and (token == b"," or token in _CLOSING):
            if place > start:
                found.append((start, place))
            start = place + 1
        depth += (token in _OPENING) - (token in _CLOSING)
        if depth < 0:
            break
    return found


def _any_place(chance: random.Random, tokens: list[bytes], wanted: re.Pattern[bytes]) -> int:
    places = [place for place, token in enumerate(tokens) if wanted.match(token)]
    return chance.choice(places) if places else chance.randrange(len(tokens))
