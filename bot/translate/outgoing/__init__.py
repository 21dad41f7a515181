"""From Kommo to Telegram. Pure."""
