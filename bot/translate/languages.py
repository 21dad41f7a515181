"""Texts for managers, in their language. Pure: the English text is the key.

Texts are short, without ids, addresses or tokens: they appear beside the message in Kommo.
"""

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["en", "es", "pt", "ru"]

LANGUAGES: tuple[Language, ...] = get_args(Language)

_OTHERS = ("es", "pt", "ru")

_TEXTS: Mapping[str, tuple[str, str, str]] = {
    "The message contains nothing that Telegram can display.": (
        "El mensaje no contiene nada que Telegram pueda mostrar.",
        "A mensagem não contém nada que o Telegram possa mostrar.",
        "В сообщении нет ничего, что Telegram может показать.",
    ),
    "The Telegram bridge does not know this conversation.": (
        "El puente de Telegram no conoce esta conversación.",
        "A ponte do Telegram não conhece esta conversa.",
        "Этот диалог неизвестен мосту Telegram.",
    ),
    "The Telegram bot of this conversation is no longer set up.": (
        "El bot de Telegram de esta conversación ya no está configurado.",
        "O bot do Telegram desta conversa não está mais configurado.",
        "Бот Telegram этого диалога больше не настроен.",
    ),
    "The Telegram bot was unavailable for too long.": (
        "El bot de Telegram no se pudo usar a tiempo.",
        "O bot do Telegram não pôde ser usado a tempo.",
        "Бот Telegram не удалось использовать вовремя.",
    ),
    "Telegram no longer accepts the bot's token.": (
        "Telegram ya no acepta el token del bot.",
        "O Telegram não aceita mais o token do bot.",
        "Telegram больше не принимает токен бота.",
    ),
    "Telegram was unreachable for too long. The message was not delivered.": (
        "No se pudo contactar con Telegram a tiempo. El mensaje no se entregó.",
        "Não foi possível contatar o Telegram a tempo. A mensagem não foi entregue.",
        "Telegram не ответил вовремя. Сообщение не доставлено.",
    ),
    "Telegram did not answer: the message may have arrived. Ask before sending it again.": (
        "Telegram no respondió: el mensaje pudo haber llegado. Pregunte antes de repetirlo.",
        "O Telegram não respondeu: a mensagem pode ter chegado. Pergunte antes de reenviar.",
        "Telegram не ответил: сообщение могло дойти. Спросите, прежде чем повторять.",
    ),
    "The Telegram bridge was not running when this was written. The message was not delivered.": (
        "El puente de Telegram no funcionaba cuando se escribió. El mensaje no se entregó.",
        "A ponte do Telegram não estava ativa quando isto foi escrito. "
        "A mensagem não foi entregue.",
        "Мост Telegram не работал, когда это было написано. Сообщение не доставлено.",
    ),
    "The Telegram bridge's database was restored: this may or may not have been delivered.": (
        "Se restauró la base de datos del puente de Telegram: puede que esto se entregara, o no.",
        "A base de dados da ponte do Telegram foi restaurada: "
        "isto pode ter sido entregue, ou não.",
        "База моста Telegram восстановлена из копии: "
        "сообщение могло быть доставлено, а могло и нет.",
    ),
    "The operator of the Telegram bridge gave this message up. It was not delivered.": (
        "El operador del puente de Telegram descartó este mensaje. No se entregó.",
        "O operador da ponte do Telegram descartou esta mensagem. Ela não foi entregue.",
        "Оператор моста Telegram снял это сообщение с отправки. Оно не доставлено.",
    ),
    "The operator of the Telegram bridge gave this message up. It may have arrived.": (
        "El operador del puente de Telegram descartó este mensaje. Puede que haya llegado.",
        "O operador da ponte do Telegram descartou esta mensagem. Ela pode ter chegado.",
        "Оператор моста Telegram снял это сообщение с отправки. Оно могло дойти.",
    ),
    "Telegram refused the message.": (
        "Telegram rechazó el mensaje.",
        "O Telegram recusou a mensagem.",
        "Telegram отклонил сообщение.",
    ),
    "Telegram cannot display this type of message.": (
        "Telegram no puede mostrar este tipo de mensaje.",
        "O Telegram não pode mostrar este tipo de mensagem.",
        "Telegram не умеет показывать такие сообщения.",
    ),
    "Kommo sent a file without a link.": (
        "Kommo anunció un archivo sin decir dónde está.",
        "O Kommo anunciou um arquivo sem dizer onde ele está.",
        "Kommo сообщил о файле, но не указал, где он.",
    ),
    "The file is empty.": (
        "El archivo está vacío.",
        "O arquivo está vazio.",
        "Файл пуст.",
    ),
    "The file no longer exists: send it again.": (
        "El archivo ya no está disponible: envíelo de nuevo.",
        "O arquivo não está mais disponível: envie-o novamente.",
        "Файла больше нет: отправьте его ещё раз.",
    ),
    "The file is larger than 50 MB, the most that Telegram accepts from bots.": (
        "El archivo supera los 50 MB, el máximo que Telegram acepta de los bots.",
        "O arquivo passa de 50 MB, o máximo que o Telegram aceita de bots.",
        "Файл больше 50 МБ: больше Telegram от ботов не принимает.",
    ),
    "The file is at an address that the Telegram bridge is not allowed to fetch from.": (
        "El puente de Telegram no puede obtener archivos de esa dirección.",
        "A ponte do Telegram não pode buscar arquivos nesse endereço.",
        "Мосту Telegram нельзя загружать файлы с этого адреса.",
    ),
    "The file could not be fetched from Kommo in time.": (
        "No se pudo obtener el archivo de Kommo a tiempo.",
        "Não foi possível obter o arquivo do Kommo a tempo.",
        "Не удалось вовремя получить файл из Kommo.",
    ),
    "The client has blocked the bot.": (
        "El cliente ha bloqueado el bot.",
        "O cliente bloqueou o bot.",
        "Клиент заблокировал бота.",
    ),
    "Telegram does not know this chat for this bot.": (
        "Telegram no conoce este chat para este bot.",
        "O Telegram não conhece este chat para este bot.",
        "Telegram не знает такого чата у этого бота.",
    ),
    "The bot is no longer in this group.": (
        "El bot ya no está en este grupo.",
        "O bot não está mais neste grupo.",
        "Бота больше нет в этой группе.",
    ),
    "The bot may not write to this chat.": (
        "El bot no puede escribir en este chat.",
        "O bot não pode escrever neste chat.",
        "Бот не может писать в этот чат.",
    ),
    "The message is too long for Telegram.": (
        "El mensaje es demasiado largo para Telegram.",
        "A mensagem é longa demais para o Telegram.",
        "Сообщение слишком длинное для Telegram.",
    ),
    "Telegram does not accept this file.": (
        "Telegram no acepta este archivo.",
        "O Telegram não aceita este arquivo.",
        "Telegram не принимает этот файл.",
    ),
    "The file is too large: Telegram accepts at most 50 MB from bots.": (
        "El archivo es demasiado grande: Telegram acepta como máximo 50 MB de los bots.",
        "O arquivo é grande demais: o Telegram aceita no máximo 50 MB de bots.",
        "Файл слишком велик: от ботов Telegram принимает не больше 50 МБ.",
    ),
    "Telegram does not accept the message's buttons.": (
        "Telegram no acepta los botones del mensaje.",
        "O Telegram não aceita os botões da mensagem.",
        "Telegram не принимает кнопки этого сообщения.",
    ),
    "The message is too old or no longer exists: Telegram cannot change it.": (
        "El mensaje es demasiado antiguo o ya no existe: Telegram no puede cambiarlo.",
        "A mensagem é antiga demais ou não existe mais: o Telegram não pode alterá-la.",
        "Сообщение слишком старое или удалено: изменить его уже нельзя.",
    ),
    "The client does not accept voice messages.": (
        "El cliente no acepta mensajes de voz.",
        "O cliente não aceita mensagens de voz.",
        "Клиент не принимает голосовые сообщения.",
    ),
    "The client has not written for 24 hours: Telegram does not accept answers now.": (
        "El cliente no escribe desde hace 24 horas: Telegram ya no acepta respuestas.",
        "O cliente não escreve há 24 horas: o Telegram não aceita respostas agora.",
        "Клиент не писал 24 часа: Telegram сейчас не принимает ответы.",
    ),
    "The time to answer is over: send a template, or wait for the client to write.": (
        "El plazo de respuesta terminó: envíe una plantilla o espere a que el cliente escriba.",
        "O prazo de resposta acabou: envie um modelo ou espere o cliente escrever.",
        "Время ответа истекло: отправьте шаблон или дождитесь сообщения клиента.",
    ),
    "This client was blocked by the operator of the Telegram bridge. The message was not sent.": (
        "El operador del puente de Telegram bloqueó a este cliente. El mensaje no se envió.",
        "O operador da ponte do Telegram bloqueou este cliente. A mensagem não foi enviada.",
        "Оператор моста Telegram заблокировал этого клиента. Сообщение не отправлено.",
    ),
    "[Too many messages within a minute: {number} more were kept, and are not shown here.]": (
        "[Demasiados mensajes en un minuto: {number} más se guardaron y no se muestran aquí.]",
        "[Mensagens demais em um minuto: mais {number} foram guardadas e não aparecem aqui.]",
        "[Слишком много сообщений за минуту: ещё {number} сохранены и здесь не показаны.]",
    ),
    "The business account is not connected: its owner can connect the bot again in Telegram.": (
        "La cuenta de empresa no está conectada: su dueño puede volver a conectar el bot.",
        "A conta comercial não está conectada: o dono pode conectar o bot de novo no Telegram.",
        "Бизнес-аккаунт не подключён: владелец может снова подключить бота в Telegram.",
    ),
    "The business account's owner does not let the bot reply: allow it in Telegram, Chatbots.": (
        "El dueño de la cuenta no deja responder al bot: permítalo en Telegram, Chatbots.",
        "O dono da conta não deixa o bot responder: permita isso no Telegram, Chatbots.",
        "Владелец аккаунта не разрешил боту отвечать: включите это в Telegram, Чат-боты.",
    ),
    "The business account's owner has left this chat out: add it in Telegram, Chatbots.": (
        "El dueño de la cuenta excluyó este chat: añádalo en Telegram, Chatbots.",
        "O dono da conta deixou este chat de fora: inclua-o no Telegram, Chatbots.",
        "Владелец аккаунта исключил этот чат: добавьте его в Telegram, Чат-боты.",
    ),
    "[This message was deleted in Telegram.]": (
        "[Este mensaje se eliminó en Telegram.]",
        "[Esta mensagem foi apagada no Telegram.]",
        "[Это сообщение удалено в Telegram.]",
    ),
    "[Messages were deleted in Telegram: {number}.]": (
        "[Mensajes eliminados en Telegram: {number}.]",
        "[Mensagens apagadas no Telegram: {number}.]",
        "[Удалено сообщений в Telegram: {number}.]",
    ),
    "The business account cannot write to itself.": (
        "La cuenta de empresa no puede escribirse a sí misma.",
        "A conta comercial não pode escrever para si mesma.",
        "Бизнес-аккаунт не может писать самому себе.",
    ),
    "Telegram asks to slow down.": (
        "Telegram pide enviar más despacio.",
        "O Telegram pede para enviar mais devagar.",
        "Telegram просит отправлять медленнее.",
    ),
    "The client's Telegram account was deleted.": (
        "La cuenta de Telegram del cliente fue eliminada.",
        "A conta do Telegram do cliente foi excluída.",
        "Аккаунт клиента в Telegram удалён.",
    ),
    "The client has not started the bot yet.": (
        "El cliente aún no ha iniciado el bot.",
        "O cliente ainda não iniciou o bot.",
        "Клиент ещё не запустил бота.",
    ),
    "The other side of this chat is a bot.": (
        "El otro lado de este chat es un bot.",
        "O outro lado deste chat é um bot.",
        "На другой стороне этого чата бот.",
    ),
    "[The client blocked the bot: messages do not arrive.]": (
        "[El cliente bloqueó el bot: los mensajes no llegan.]",
        "[O cliente bloqueou o bot: as mensagens não chegam.]",
        "[Клиент заблокировал бота: сообщения не доходят.]",
    ),
    "[The client unblocked the bot: messages arrive again.]": (
        "[El cliente desbloqueó el bot: los mensajes llegan de nuevo.]",
        "[O cliente desbloqueou o bot: as mensagens chegam novamente.]",
        "[Клиент разблокировал бота: сообщения снова доходят.]",
    ),
    "Opened link: ": (
        "Llegó por el enlace: ",
        "Chegou pelo link: ",
        "Перешёл по ссылке: ",
    ),
    "[Opened an invitation link.]": (
        "[Llegó por una invitación.]",
        "[Chegou por um convite.]",
        "[Перешёл по приглашению.]",
    ),
    "No Telegram chat is known for this number: send the client an invitation link.": (
        "Nadie con este número es conocido en Telegram: envíe al cliente un enlace de invitación.",
        "Ninguém com este número é conhecido no Telegram: envie ao cliente um link de convite.",
        "Клиент с этим номером в Telegram неизвестен: отправьте ему ссылку-приглашение.",
    ),
    "The message came without a phone number: add it to the contact, and write from there.": (
        "El mensaje llegó sin número de teléfono: añádalo al contacto y escriba desde allí.",
        "A mensagem veio sem número de telefone: inclua-o no contato e escreva a partir dele.",
        "Сообщение пришло без номера телефона: укажите его в контакте и пишите оттуда.",
    ),
    "Share my phone number": (
        "Compartir mi número de teléfono",
        "Compartilhar meu número de telefone",
        "Поделиться номером телефона",
    ),
}


def in_language(text: str, language: Language) -> str:
    """Return a text in a language; as it is, in English, when there is no translation."""
    if language == "en" or text not in _TEXTS:
        return text
    return _TEXTS[text][_OTHERS.index(language)]
