"""Sockets in and out: listeners, connections, TLS, and the clients of both APIs."""
