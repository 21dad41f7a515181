"""Old messages from an export: read, planned, and brought to Kommo."""
