"""Deliveries to Kommo."""
