"""Tell Kommo what a client said: a message, an edit, a reaction, under the right alias."""

from functools import partial

from bot.deliver.kommo.aliases import BAD_REQUEST, NOT_FOUND, first_accepted, is_of_message
from bot.deliver.kommo.media import Media
from bot.deliver.kommo.sent_before import SentBefore
from bot.deliver.kommo.started_chats import (
    aliases_to_try,
    known_aliases,
    newest_started,
    note_alias,
    note_bound,
    note_refused,
)
from bot.deliver.kommo.unknown_messages import UnknownMessages
from bot.translate.aliases import Alias, message_under, reaction_under
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.errors import RejectedError
from kommo.ids import KommoChatId
from kommo.models import EditMessage, NewMessage, Reaction
from storage.conversation_chats import ConversationChat
from storage.database import Database
from storage.queue.reader import QueueItem


class Messages:
    """Makes the calls about clients' messages. Raises what the Chats API does."""

    def __init__(
        self,
        chats: ChatsApi,
        database: Database,
        media: Media,
        *,
        sent_before: SentBefore,
        unknown: UnknownMessages,
    ) -> None:
        self._chats = chats
        self._database = database
        self._media = media
        self._sent_before = sent_before
        self._unknown = unknown

    async def send(self, item: QueueItem) -> SentMessage:
        """Send a message: the first answer to what a manager started binds that chat to ours."""
        message = NewMessage.model_validate_json(item.payload)
        content = self._media.servable(message.content)
        sender = await self._media.pictured(message)
        message = message.model_copy(update={"content": content, "sender": sender})
        started = await newest_started(self._database, message.conversation_id)
        if message.receiver is not None or started is None or started.state == "bound":
            is_bound = started is not None and started.state == "bound"
            [alias] = aliases_to_try(message.conversation_id, started if is_bound else None)
            return await self._quoting(message_under(message, alias))
        return await self._send_binding(item, message, started)

    async def edit(self, item: QueueItem) -> None:
        """Change a message, in whichever of the client's conversations it is.

        Nothing is changed if Kommo took a newer change while this one stood aside.
        """
        edit = EditMessage.model_validate_json(item.payload)
        is_binding = edit.external_id is not None and edit.kommo_message_id is not None
        about = (
            f"{'binding' if is_binding else 'text'} {edit.external_id or edit.kommo_message_id}"
        )
        if self._unknown.is_outdated(about, item.id):
            return
        edit = edit.model_copy(update={"content": self._media.servable(edit.content)})
        started = await newest_started(self._database, edit.conversation_id)
        aliases = known_aliases(edit.conversation_id, started)
        await first_accepted(aliases, partial(self._edit, edit), BAD_REQUEST, NOT_FOUND)
        self._unknown.note_told(about, item.id)

    async def react(self, item: QueueItem) -> None:
        """Show a reaction, in whichever of the client's conversations its message is.

        Nothing is shown if Kommo took a newer one while this one stood aside.
        """
        reaction = Reaction.model_validate_json(item.payload)
        message = reaction.external_id or reaction.kommo_message_id
        about = f"reaction {message} {reaction.user_id or reaction.user_ref_id}"
        if self._unknown.is_outdated(about, item.id):
            return
        if reaction.conversation_id is None or reaction.user_id is None:
            await self._chats.react(reaction)
        else:
            started = await newest_started(self._database, reaction.conversation_id)
            aliases = known_aliases(reaction.conversation_id, started)
            await first_accepted(aliases, partial(self._react, reaction), BAD_REQUEST, NOT_FOUND)
        self._unknown.note_told(about, item.id)

    async def _send_binding(
        self, item: QueueItem, message: NewMessage, started: ConversationChat
    ) -> SentMessage:
        """Send a client's first answer in a chat that a manager started."""
        if started.alias is not None and (item.attempts > 1 or item.is_uncertain):
            chat_id = KommoChatId(started.kommo_chat_id)
            found = await self._sent_before.in_chat(chat_id, message)
            if found is not None:
                await note_bound(self._database, started, started.alias)
                return SentMessage(found)
        aliases = aliases_to_try(message.conversation_id, started)
        return await first_accepted(aliases, partial(self._bind, message, started), BAD_REQUEST)

    async def _bind(
        self, message: NewMessage, started: ConversationChat, alias: Alias
    ) -> SentMessage:
        """Send a message under an alias that binds a chat, or under the usual one."""
        if alias.kommo_chat_id is None:
            sent = await self._quoting(message_under(message, alias))
            await note_refused(self._database, started)
            return sent
        await note_alias(self._database, started, alias)
        sent = await self._quoting(message_under(message, alias))
        await note_bound(self._database, started, alias.conversation_id)
        return sent

    async def _edit(self, edit: EditMessage, alias: Alias) -> None:
        named = edit.model_copy(update={"conversation_id": alias.conversation_id})
        await self._chats.edit_message(named)

    async def _react(self, reaction: Reaction, alias: Alias) -> None:
        await self._chats.react(reaction_under(reaction, alias))

    async def _quoting(self, message: NewMessage) -> SentMessage:
        """Send a message; without its quote, should Kommo not know what it quotes."""
        try:
            return await self._chats.send_message(message)
        except RejectedError as error:
            if message.reply_to is None or not is_of_message(error, BAD_REQUEST):
                raise
        return await self._chats.send_message(message.model_copy(update={"reply_to": None}))
