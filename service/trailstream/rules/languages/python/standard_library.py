"""What of the standard library does no more than give a value, whatever it is called with."""

from __future__ import annotations

CHANGING = frozenset(
    """
    add append appendleft clear difference_update discard extend extendleft insert intersection_update move_to_end pop
    popitem popleft remove reverse rotate setdefault sort subtract symmetric_difference_update update
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Methods that change a collection."""
_FUNCTIONS = frozenset(
    """
    base64 binascii collections.ChainMap collections.Counter collections.OrderedDict collections.abc
    collections.defaultdict collections.deque collections.namedtuple copy.copy copy.deepcopy datetime dateutil
    decimal.Decimal difflib enum fnmatch fractions functools.partial functools.reduce hashlib html ipaddress itertools
    json.JSONDecodeError json.dumps json.loads math operator.itemgetter os.environ.get os.getenv re string textwrap time
    typing unicodedata urllib.parse uuid
    """.split()  # noqa: SIM905 -- a list would take a line for each
)
"""Functions and classes that do no more than give a value, and modules of nothing else."""


def gives_a_value(name: str) -> bool:
    """Say whether a function, a class or a constant, by its full name, does nothing but give its value."""
    parts = name.split(".")
    if any(part.startswith("_") for part in parts) or parts[-1] in CHANGING:
        return False
    return any(".".join(parts[:end]) in _FUNCTIONS for end in range(1, len(parts) + 1))
