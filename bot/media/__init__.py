"""Clients' files: signed links to them, and the route that serves them."""
