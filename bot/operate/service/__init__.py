"""The service under systemd."""
