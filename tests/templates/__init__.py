"""The deployment templates, created on the local endpoint and used."""
