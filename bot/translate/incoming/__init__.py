"""From Telegram to Kommo. Pure."""
