"""Old messages as other programs write them → what Kommo is to show. Pure, without aiogram."""
