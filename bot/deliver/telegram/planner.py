"""Plan what an item shows a client: one look at the database, then pure decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiogram import Bot
from aiogram.methods import SendMessage, SetMessageReaction

from bot.deliver.telegram.addresses import Addressed, Addresses
from bot.deliver.telegram.errors import NotSentError
from bot.deliver.telegram.items import address_of, event_of
from bot.deliver.telegram.message_ids import telegram_message_id
from bot.deliver.telegram.reachable import is_blocked
from bot.queue.items import Kind
from bot.queue.outcomes import Undeliverable
from bot.translate.ids import ChatAddress
from bot.translate.incoming.presses import Press
from bot.translate.outgoing import messages, refusals
from bot.translate.outgoing.addressee import THE_CHAT, Addressee
from bot.translate.outgoing.files import Call
from bot.translate.outgoing.keyboards import Style, pressable
from bot.translate.outgoing.messages import AnyMessage, Manner
from bot.translate.outgoing.templates import TelegramTemplate, in_telegrams_version
from bot.translate.outgoing.welcome import Welcome, greeting
from bot.translate.outgoing.window import is_late
from kommo.events import LegacyMessage, ManagerMessage, ManagerReaction
from storage.business import BusinessConnection
from storage.buttons import Button
from storage.conversations import Conversation
from storage.database import Database, Snapshot
from storage.facts import moved_key
from storage.queue.reader import QueueItem


@dataclass(frozen=True)
class ClientStyle:
    """What the settings say of how clients are shown things.

    Args:
        buttons: how text buttons are shown.
        templates: Telegram's own versions of Kommo's templates.
        welcome: what new clients read first; None for nothing.
        window: how long after a client's message a manager may answer; None for ever.
    """

    buttons: Style = "inline"
    templates: tuple[TelegramTemplate, ...] = ()
    welcome: Welcome | None = None
    window: timedelta | None = None


@dataclass(frozen=True)
class Known:
    """What the database says that decides how an event is shown.

    Args:
        conversation: None for one that nothing is known of.
        message_id: Telegram's id of the message that the event answers, or reacts to.
        place: where the conversation takes place now: groups move when they grow.
        addressee: through which account the bot writes, and into which topic.
        business: how the bot is connected to the business account whose chat it is.
    """

    conversation: Conversation | None
    message_id: int | None
    place: ChatAddress
    addressee: Addressee = THE_CHAT
    business: BusinessConnection | None = None


@dataclass(frozen=True)
class MessagePlan:
    """The calls that show a manager's message.

    Args:
        address: the conversation's, whose parts they are.
        buttons: what a press of them says; stored before a client can press one.
        addressee: put on each of the calls as it is made.
    """

    bot: Bot
    address: ChatAddress
    event: AnyMessage
    calls: tuple[Call, ...]
    buttons: tuple[Button, ...] = ()
    addressee: Addressee = THE_CHAT


@dataclass(frozen=True)
class ReactionPlan:
    """The call that shows a manager's reaction; None for one that Telegram cannot show."""

    bot: Bot
    call: SetMessageReaction | None


@dataclass(frozen=True)
class PressPlan:
    """A client is to see that a press was noticed."""

    bot: Bot
    press: Press
    addressee: Addressee = THE_CHAT


@dataclass(frozen=True)
class GreetingPlan:
    """The call that greets a new client, and where it leads."""

    bot: Bot
    call: SendMessage
    addressee: Addressee = THE_CHAT


Plan = MessagePlan | ReactionPlan | PressPlan | GreetingPlan
"""What is to be done: everything is decided, nothing is sent."""


class Planner:
    """Decides what an item shows, and where.

    Args:
        bots: through which it is shown.
        style: how.
    """

    def __init__(
        self,
        database: Database,
        addresses: Addresses,
        bots: Mapping[int, Bot],
        style: ClientStyle,
    ) -> None:
        self._database = database
        self._addresses = addresses
        self._bots = bots
        self._style = style

    async def plan(self, item: QueueItem) -> Plan | Undeliverable | None:
        """Return what is to be done; None for nothing.

        Raises:
            NotSentError: it cannot be shown, and the manager is to be told why.
            MovedError: it is another conversation's; it waits for its turn there.
        """
        if item.kind == Kind.BUTTON_PRESS:
            return await self._pressed(Press.model_validate_json(item.payload))
        if item.kind == Kind.WELCOME:
            return await self._greeting(item)
        event = event_of(item)
        if not isinstance(event, ManagerMessage | ManagerReaction | LegacyMessage):
            return Undeliverable(f"this release does not deliver items of kind {item.kind!r}")
        address = await self._addresses.of(event, item)
        bot = self._bot(address.bot_id)
        async with self._database.snapshot() as snapshot:
            known = await look_up(snapshot, event, address)
        now = self._database.now()
        if known.conversation is not None and known.conversation.is_stopped:
            raise NotSentError(refusals.CLIENT_STOPPED)
        require_right(address, known.business)
        if is_blocked(known.conversation, item, now=now):
            raise NotSentError(refusals.CLIENT_BLOCKED)
        if isinstance(event, ManagerReaction):
            return ReactionPlan(bot, messages.reaction(event, address, known.message_id))
        calls = calls_of(event, known, self._style)
        buttons = buttons_of(event, address, now)
        return MessagePlan(bot, address, event, calls, buttons, known.addressee)

    async def _pressed(self, press: Press) -> PressPlan:
        """Show a press where it happened: in a business account's chat, perhaps."""
        async with self._database.snapshot() as snapshot:
            business = await business_of(snapshot, press.address)
        return PressPlan(self._bot(press.bot_id), press, through(business))

    def _bot(self, bot_id: int) -> Bot:
        bot = self._bots.get(bot_id)
        if bot is None:
            raise NotSentError(refusals.BOT_REMOVED)
        return bot

    async def _greeting(self, item: QueueItem) -> GreetingPlan | None:
        """Greet a new client, unless the settings no longer have a greeting."""
        address = address_of(item)
        bot = self._bots.get(address.bot_id) if address else None
        if address is None or bot is None or self._style.welcome is None:
            return None
        async with self._database.snapshot() as snapshot:
            addressee = await addressee_of(snapshot, address)
        return GreetingPlan(bot, greeting(address, self._style.welcome), addressee)


async def look_up(snapshot: Snapshot, event: Addressed, address: ChatAddress) -> Known:
    """Return what is known: the conversation; and what few events need more than that."""
    conversation = await snapshot.conversations.get(address.conversation_id)
    message_id, place = None, address
    meant = event.reply_to if isinstance(event, ManagerMessage) else event
    if meant is not None and not isinstance(meant, LegacyMessage):
        message_id = await telegram_message_id(
            snapshot,
            address,
            external_id=meant.external_id,
            kommo_message_id=meant.kommo_message_id,
        )
    if address.chat_id < 0:
        moved = await snapshot.facts.get(moved_key(address.bot_id, address.chat_id))
        place = replace(address, chat_id=int(moved)) if moved else address
    business = await business_of(snapshot, address)
    topic_id = conversation.topic_id if conversation else None
    if message_id is not None:
        topic_id = await snapshot.topics.of_message(address.conversation_id, message_id)
    addressee = replace(through(business), message_thread_id=topic_id)
    return Known(conversation, message_id, place, addressee, business)


async def addressee_of(snapshot: Snapshot, address: ChatAddress) -> Addressee:
    """Return where a conversation's calls lead now: which account, and the client's topic."""
    business = await business_of(snapshot, address)
    topic_id = await snapshot.topics.newest(address.conversation_id)
    return replace(through(business), message_thread_id=topic_id)


async def business_of(snapshot: Snapshot, address: ChatAddress) -> BusinessConnection | None:
    """Return how the bot is connected to the account whose chat it is; None for its own chats."""
    if not address.business_user_id:
        return None
    return await snapshot.business.current(address.bot_id, address.business_user_id)


def through(business: BusinessConnection | None) -> Addressee:
    """Return what stands on the calls of an account's chat, or of the bot's own (pure)."""
    return Addressee(business.connection_id) if business else THE_CHAT


def require_right(address: ChatAddress, business: BusinessConnection | None) -> None:
    """Want the bot to be allowed to write there (pure).

    Raises:
        NotSentError: it may not speak for the business account.
    """
    if not address.business_user_id:
        return
    if business is None or not business.is_enabled:
        raise NotSentError(refusals.NO_BUSINESS)
    if not business.can_reply:
        raise NotSentError(refusals.NO_RIGHT_TO_REPLY)


def calls_of(event: AnyMessage, known: Known, style: ClientStyle) -> tuple[Call, ...]:
    """Return the calls that show a manager's message (pure).

    Raises:
        NotSentError: it cannot be shown, or comes too late.
    """
    heard_at = known.conversation.last_incoming_at if known.conversation else None
    if is_late(event, heard_at, style.window):
        raise NotSentError(refusals.TOO_LATE)
    event, text = in_telegrams_version(event, style.templates)
    problem = messages.problem(event)
    if problem is not None:
        raise NotSentError(problem)
    manner = Manner(reply_to=known.message_id, buttons=style.buttons, text=text)
    calls = messages.manager_message(event, known.place, manner)
    if not calls:
        raise NotSentError(refusals.NOTHING_TO_SEND)
    return tuple(calls)


def buttons_of(event: AnyMessage, address: ChatAddress, now: datetime) -> tuple[Button, ...]:
    """Return what a press of a message's buttons says (pure)."""
    if not isinstance(event, ManagerMessage) or event.markup is None:
        return ()
    return tuple(
        Button(button.id, address.conversation_id, button.text, now, button.callback_data)
        for button in pressable(event.markup, event.kommo_message_id)
    )
