"""What can keep the demo from running."""


class DemoError(Exception):
    """Something that the demo needs did not work; the message says what, and shows the log of whom it concerns."""
