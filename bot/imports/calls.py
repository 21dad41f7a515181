"""The calls that old messages are made into."""

from bot.imports.lane import Dated, Lane, Options
from bot.translate.exports.messages import Written, answering, old_message
from bot.translate.exports.told import Told
from kommo.models import NewMessage
from kommo.statuses import StatusCode
from storage.database import Database


def call_of(lane: Lane, one: Dated, told: Told, options: Options) -> NewMessage:
    """Return what Kommo is told of a message."""
    row, chat = one.row, lane.chat
    is_read = row.place < lane.newest_client
    written = Written(
        row.author,
        lane.external_id(row),
        one.at,
        is_silent=options.is_silent or row.place != lane.newest,
        status=StatusCode.READ if is_read else StatusCode.DELIVERED,
    )
    file_url = options.file_urls(chat.bot_id, chat.client_id)
    return old_message(told, written, lane.place, options.company, file_url=file_url)


async def quoting(database: Database, lane: Lane, told: Told, message: NewMessage) -> NewMessage:
    """Return a message with what it answers, where Kommo has that."""
    if told.reply_to is None:
        return message
    if told.reply_to in lane.told:
        return answering(message, lane.told[told.reply_to])
    address = lane.place.address
    async with database.snapshot() as snapshot:
        if lane.chat.is_export:
            beginning = f"{address.conversation_id}:export:{told.reply_to}-"
            return answering(message, await snapshot.imports.newest_sent(beginning))
        name = address.imported_id(told.reply_to)
        states = await snapshot.imports.states([name])
    return answering(message, name if states.get(name) == "sent" else None)
