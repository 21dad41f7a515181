"""Telegram's plain objects → aiogram's models, with as much as can be read. Pure.

Telegram adds fields and kinds before the library knows them, and an older Bot API server lacks
some that the library demands. What is missing gets a neutral value, what has a wrong type or an
unknown kind is left out, and only what stays unreadable is an error: see decision 0046.
Reference: Bot API, Update (objects may get new fields at any time).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from aiogram.types import InaccessibleMessage, InlineKeyboardMarkup
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

DEPTH = 24
"""Models within models; Telegram itself nests a dozen at most."""

ESSENTIAL: Mapping[str, frozenset[str]] = {
    "Update": frozenset({"update_id"}),
    "Message": frozenset({"message_id", "date"}),
    "InaccessibleMessage": frozenset({"message_id"}),
    "MessageReactionUpdated": frozenset({"message_id"}),
    "CallbackQuery": frozenset({"id"}),
    "ReactionTypeEmoji": frozenset({"emoji"}),
    "Chat": frozenset({"id"}),
    "User": frozenset({"id"}),
    "MessageOriginHiddenUser": frozenset({"sender_user_name"}),
    "MessageEntity": frozenset({"type", "offset", "length"}),
    "TextQuote": frozenset({"text"}),
    "Location": frozenset({"latitude", "longitude"}),
    "PollOption": frozenset({"text"}),
    "ChecklistTask": frozenset({"text"}),
    "Dice": frozenset({"value"}),
    "Giveaway": frozenset({"winner_count", "winners_selection_date"}),
    "GiveawayWinners": frozenset({"winner_count"}),
    "SuccessfulPayment": frozenset({"currency", "total_amount"}),
    "RefundedPayment": frozenset({"total_amount"}),
    "MessageAutoDeleteTimerChanged": frozenset({"message_auto_delete_time"}),
    "WebAppData": frozenset({"data"}),
}
"""Fields for which no value is neutral: without them the whole object would say what is not so."""

FILE_ID, FILE_UNIQUE_ID = "file_id", "file_unique_id"

STICKER = {
    "file_id": "", "file_unique_id": "", "type": "regular", "width": 0, "height": 0,
    "is_animated": False, "is_video": False,
}  # fmt: skip
GIFT = {"id": "", "star_count": 0, "sticker": STICKER}
USER = {"id": 0, "is_bot": False, "first_name": ""}
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
    ("ChatMemberUpdated", "old_chat_member"): LEFT,
    ("Gift", "sticker"): STICKER,
    ("GiftInfo", "gift"): GIFT,
    ("GiveawayWinners", "chat"): CHAT,
    ("Story", "chat"): CHAT,
    ("UniqueGift", "backdrop"): BACKDROP,
    ("UniqueGift", "model"): LOOK,
    ("UniqueGift", "symbol"): LOOK,
    ("UniqueGiftBackdrop", "colors"): COLORS,
    ("UniqueGiftInfo", "gift"): UNIQUE_GIFT,
    ("UniqueGiftModel", "sticker"): STICKER,
    ("UniqueGiftSymbol", "sticker"): STICKER,
    ("ChatMemberBanned", "user"): USER,
    ("ChatMemberLeft", "user"): USER,
    ("ChatMemberMember", "user"): USER,
}
"""Objects that the bridge needs nothing of: what the bot was before, how a gift looks."""

WHOLE = (InlineKeyboardMarkup,)
"""Models that are shown to the client again: as they are, or not at all."""

LEAVES: Mapping[Any, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (bool, int, float, str, datetime)
}
NEUTRAL_LEAVES: Mapping[Any, Any] = {bool: False, int: 0, float: 0.0, str: "", datetime: 0}

NOTHING: Any = object()
"""Stands for what cannot be read."""

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reading(Generic[Model]):
    """An object as far as it could be read.

    Args:
        model: the object; None when too little of it can be read.
        left_out: where there was something that could not be read.
    """

    model: Model | None
    left_out: tuple[Path, ...] = ()


def reading(model: type[Model], raw: Any) -> Reading[Model]:
    """Return an object with all of it that can be read."""
    try:
        return Reading(model.model_validate(raw))
    except ValidationError:
        reader = _Reader()
        mended = reader.object(model, raw, ())
    try:
        return Reading(model.model_validate(mended), tuple(reader.left_out))
    except ValidationError:
        return Reading(None)


def read(model: type[Model], raw: Any) -> Model | None:
    """Return an object with all of it that can be read; None when that is too little."""
    return reading(model, raw).model


@dataclass
class _Reader:
    """Mends one object before it is validated again; notes the places that it left out."""

    left_out: list[Path] = field(default_factory=list)

    def value(self, annotation: Any, value: Any, path: Path) -> Any:
        """Return a value as far as it fits its type; `NOTHING` when it does not."""
        origin = get_origin(annotation)
        if origin is Annotated:
            return self.value(get_args(annotation)[0], value, path)
        if origin in (Union, UnionType):
            return self._member(get_args(annotation), value, path)
        if origin is Literal:
            return value if value in get_args(annotation) else NOTHING
        if origin is list:
            return self._list(get_args(annotation)[0], value, path)
        if _is_model(annotation):
            return self.object(annotation, value, path)
        return _leaf(annotation, value)

    def object(self, model: type[BaseModel], raw: Any, path: Path) -> Any:
        """Return an object with the readable of its fields, and with those that it must have."""
        if not isinstance(raw, Mapping) or len(path) > DEPTH:
            return NOTHING
        if issubclass(model, WHOLE):
            return raw if _is_valid(model, raw) else NOTHING
        result = dict(raw)
        for name, info in model.model_fields.items():
            key = info.alias if info.alias in raw else name
            if key in raw:
                result[key] = self.value(info.annotation, raw[key], (*path, name))
                if result[key] is not NOTHING:
                    continue
                del result[key]
                self.left_out.append((*path, name))
            if info.is_required():
                result[key] = _neutral(model, name, info, raw)
                if result[key] is NOTHING:
                    return NOTHING
        return result

    def _member(self, members: tuple[Any, ...], value: Any, path: Path) -> Any:
        """Return a value as that member of a union which it is."""
        if value is None:
            return None if NoneType in members else NOTHING
        fitting = (self.value(one, value, path) for one in members if _may_be(one, value))
        found = next((found for found in fitting if found is not NOTHING), NOTHING)
        if found is NOTHING and InaccessibleMessage in members and isinstance(value, Mapping):
            return self.object(InaccessibleMessage, {**value, "date": 0}, path)
        return found

    def _list(self, kind: Any, values: Any, path: Path) -> Any:
        """Return the readable members of a list."""
        if not isinstance(values, list):
            return NOTHING
        found = [self.value(kind, one, (*path, number)) for number, one in enumerate(values)]
        self.left_out += [(*path, at) for at, one in enumerate(found) if one is NOTHING]
        return [one for one in found if one is not NOTHING]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _may_be(member: Any, value: Any) -> bool:
    """Tell whether a value can be a member of a union, by the kinds that it names."""
    if not _is_model(member):
        return member is not NoneType
    return isinstance(value, Mapping) and all(
        value.get(name) in get_args(info.annotation)
        for name, info in member.model_fields.items()
        if get_origin(info.annotation) is Literal
    )


def _leaf(kind: Any, value: Any) -> Any:
    """Return a plain value if it fits; types that are none of JSON's fit nothing."""
    adapter = LEAVES.get(kind)
    if adapter is None:
        return value if kind is Any else NOTHING
    try:
        adapter.validate_python(value)
    except ValidationError:
        return NOTHING
    return value


def _neutral(model: type[BaseModel], name: str, info: FieldInfo, raw: Mapping[str, Any]) -> Any:
    """Return what says nothing in a required field; `NOTHING` where everything would."""
    owner = model.__name__
    if name == FILE_UNIQUE_ID:
        return raw.get(FILE_ID, NOTHING)
    if (owner, name) == ("Chat", "type"):
        return _kind_of_chat(raw.get("id"))
    if name == FILE_ID or name in ESSENTIAL.get(owner, ()):
        return NOTHING
    return NEUTRAL.get((owner, name), _neutral_of(info.annotation))


def _neutral_of(annotation: Any) -> Any:
    """Return what says nothing, of a type."""
    if get_origin(annotation) is list:
        return []
    if NoneType in get_args(annotation):
        return None
    return NEUTRAL_LEAVES.get(annotation, NOTHING)


def _kind_of_chat(chat_id: Any) -> Any:
    """Return the kind of a chat by its id: only people have positive ones."""
    return "private" if _leaf(int, chat_id) is not NOTHING and int(chat_id) > 0 else NOTHING


def _is_valid(model: type[BaseModel], raw: Any) -> bool:
    try:
        model.model_validate(raw)
    except ValidationError:
        return False
    return True
