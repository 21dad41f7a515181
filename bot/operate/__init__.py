"""What helps the person who runs the bridge: checks, alerts, backup, metrics, systemd."""
