"""Deliveries to Telegram."""
