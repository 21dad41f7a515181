"""Receive updates and webhooks, and store them."""
