"""Neutral values for what Telegram's objects lack, and the fields that have none."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

ESSENTIAL: Mapping[str, frozenset[str]] = {
    "MessageReactionUpdated": frozenset({"message_id"}),
    "ReactionTypeEmoji": frozenset({"emoji"}),
    "MessageOriginHiddenUser": frozenset({"sender_user_name"}),
    "TextQuote": frozenset({"text"}),
    "Location": frozenset({"latitude", "longitude"}),
    "ChecklistTask": frozenset({"text"}),
    "Dice": frozenset({"value"}),
    "SuccessfulPayment": frozenset({"currency", "total_amount"}),
    "RefundedPayment": frozenset({"total_amount"}),
    "MessageAutoDeleteTimerChanged": frozenset({"message_auto_delete_time"}),
}
"""Fields for which no value is neutral: without them the whole object would say what is not so."""


FILE_ID, FILE_UNIQUE_ID = "file_id", "file_unique_id"


BESIDE: Mapping[str, tuple[str, ...]] = {
    "LivePhoto": ("photo",),
    "Sticker": ("thumbnail", "emoji"),
}
"""What else is shown of a file that cannot be fetched itself."""


STICKER = {
    "file_id": "", "file_unique_id": "", "type": "regular", "width": 0, "height": 0,
    "is_animated": False, "is_video": False,
}  # fmt: skip


GIFT = {"id": "", "star_count": 0, "sticker": STICKER}


USER = {"id": 0, "is_bot": False, "first_name": ""}


NOWHERE = {"latitude": math.nan, "longitude": math.nan}


LEFT = {"status": "left", "user": USER}


CHAT = {"id": 0, "type": "private"}


COLORS = {"center_color": 0, "edge_color": 0, "symbol_color": 0, "text_color": 0}


LOOK = {"name": "", "sticker": STICKER, "rarity_per_mille": 0}


BACKDROP = {"name": "", "colors": COLORS, "rarity_per_mille": 0}


UNIQUE_GIFT = {
    "gift_id": "", "base_name": "", "name": "", "number": 0, "model": LOOK, "symbol": LOOK,
    "backdrop": BACKDROP,
}  # fmt: skip


NEUTRAL: Mapping[tuple[str, str], Any] = {
    ("CallbackQuery", "from_user"): USER,
    ("ChatMemberUpdated", "from_user"): USER,
    ("ChatMemberUpdated", "old_chat_member"): LEFT,
    ("Gift", "sticker"): STICKER,
    ("GiftInfo", "gift"): GIFT,
    ("GiveawayWinners", "chat"): CHAT,
    ("Message", "chat"): CHAT,
    ("Story", "chat"): CHAT,
    ("UniqueGift", "backdrop"): BACKDROP,
    ("UniqueGift", "model"): LOOK,
    ("UniqueGift", "symbol"): LOOK,
    ("UniqueGiftBackdrop", "colors"): COLORS,
    ("UniqueGiftInfo", "gift"): UNIQUE_GIFT,
    ("UniqueGiftModel", "sticker"): STICKER,
    ("UniqueGiftSymbol", "sticker"): STICKER,
    ("Venue", "location"): NOWHERE,
    ("ChatMemberBanned", "user"): USER,
    ("ChatMemberLeft", "user"): USER,
    ("ChatMemberMember", "user"): USER,
}
"""Objects that the bridge can do without: what the bot was before, how a gift looks."""


DATED = frozenset({"Message", "ChatMemberUpdated", "MessageReactionUpdated"})
"""What happens as it is received, or shortly before; a forward may be of any time."""


NEUTRAL_LEAVES: Mapping[Any, Any] = {bool: False, int: 0, float: 0.0, str: "", datetime: 0}
