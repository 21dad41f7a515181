"""The operators' chat: commands, alerts."""
