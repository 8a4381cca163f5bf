"""The image as whoever runs it meets it: built, started read-only and without rights, stopped, killed, and measured."""
