"""The state of the service: its status page, routes and metrics."""
