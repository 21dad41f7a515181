"""A Telegram and a Kommo on loopback, as strict as the originals and independent of the bridge."""
