"""The sandbox's Kommo."""
