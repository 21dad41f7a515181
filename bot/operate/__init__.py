"""Operation: checks, alerts, backup, metrics, systemd."""
