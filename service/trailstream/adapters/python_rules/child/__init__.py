"""The process that rules of Python code run in. It knows nothing of the service, and has none of its credentials."""
