"""The bridge between Telegram and Kommo: receive, translate, deliver, and what operates them."""

from bot import aiogram_models

aiogram_models.install()
