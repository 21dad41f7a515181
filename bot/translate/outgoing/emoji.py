"""An emoji of a manager's reaction → the nearest one that a bot may react with. Pure.

Reference: Bot API, ReactionTypeEmoji.
"""

import regex

ALLOWED = frozenset(
    """
    ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭
    💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗
    🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡
    """.split()  # noqa: SIM905 - a list of 73 quoted characters is harder to read
)

_ALIKE = {
    "❤": "🧡 💛 💚 💙 🩵 💜 🤎 🖤 🩶 🤍 🩷 ♥ ❣ 💕 💞 💓 💗 💖 💟 🫶",
    "❤\u200d🔥": "💝",
    "👍": "✅ ✔ ☑ 🆗 👆 ☝ 🤙 💪 👊 ✊",
    "👎": "❌ ✖ 🚫 ⛔ 👇",
    "🔥": "🚀 💥 🌶 ♨",
    "🥰": "😊 ☺ 😚 😙 😗 🤭",
    "👏": "🙌 🎊",
    "😁": "😀 😃 😄 😆 😅 🙂 😸 😺 😬",
    "🤣": "😂 😹 😝 😛 😜",
    "🤔": "❓ ❔ 🧐",
    "🤯": "😲 😮 😯 😳 🙀",
    "😱": "😧 😦 ‼ ❗",
    "🤬": "😤 👿 💢",
    "😡": "😠 😾",
    "😢": "🙁 ☹ 😞 😔 😟 😥 😿 🥺 😓 😕 😩 😫 😖 😣 😪 🥲",
    "🎉": "🥳 🎁 🎂 🎈 🍰 🍻 🥂 🪅",
    "🤩": "⭐ 🌟 ✨ 💫",
    "🤮": "🤢 🤧",
    "🙏": "🤞 🛐",
    "👌": "✌ 🖖",
    "🏆": "🥇 🏅 🎖 🔝",
    "💯": "🎯",
    "😍": "😻 😋 🤤",
    "😘": "😽 😉",
    "💔": "🥀",
    "🤨": "🙄",
    "😐": "😑 😶 😒 🫤",
    "😴": "💤 😌",
    "👻": "💀 ☠",
    "🙈": "🐵 🐒 🫣",
    "🤗": "👋 🫂 🖐 ✋",
    "✍": "📝 ✏ 🖊",
    "💊": "🤒 😷 🤕",
    "👾": "👽 🤖",
    "☃": "⛄ ❄",
    "🎄": "🌲",
    "😎": "🕶",
    "👀": "👁",
    "🤝": "🫱",
    "🐳": "🐋",
}

NEAREST = {alike: allowed for allowed, many in _ALIKE.items() for alike in many.split()}

_VARIANTS = regex.compile(r"[\ufe0e\ufe0f\U0001F3FB-\U0001F3FF]")
"""How an emoji is drawn, and in which colour of skin: Telegram's reactions know neither."""


def reaction_emoji(emoji: str) -> str | None:
    """Return what a bot reacts with instead of an emoji; None when nothing is near it."""
    plain = _VARIANTS.sub("", emoji).strip()
    return plain if plain in ALLOWED else NEAREST.get(plain)
