"""Conversations by either side's ids."""
