"""The bridge between Telegram and Kommo: receive, translate, deliver, and what operates them."""
