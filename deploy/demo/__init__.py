"""trailstream on one machine: a stand-in for AWS, generated logs, the real worker, and a person's inbox.

The demo is an outside user. It starts the worker as its own process and sees of it what any user sees: its exit code,
its log, its metrics and the alerts that arrive. What should arrive is counted by a plain loop that shares nothing with
the service.
"""
