"""Rules of the bot's own chats hold in business chats: time window, flood guard, alerts."""

import pytest

OLGA, ANN, BOSS, LIMIT = 999, 555, 900, 5
CHAT = "tg:700001.999:555"
HOUR_S = 3600


@pytest.fixture
def config(config, kommo):
    """Settings with a time window, a limit, the channel's bot and an operators' chat."""
    bot = f'channel_bot_id = "{kommo.account.channel_bot.id}"'
    text = config.read_text("utf-8")
    text = text.replace("[kommo]\n", f'[kommo]\n{bot}\ntime_window = "24h"\n')
    text = text.replace("client_messages_per_min = 0", f"client_messages_per_min = {LIMIT}")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", "utf-8")
    return config


@pytest.fixture
def often(monkeypatch):
    """Look for what is wrong more often than usual."""
    monkeypatch.setattr("bot.operate.jobs.ALERT_EVERY_S", 0.2)


@pytest.fixture
async def connection(often, bridge, telegram, eventually):
    """Olga's account, connected."""
    await eventually(lambda: telegram.bot(None).kinds)
    return telegram.owner_connects(OLGA, name="Olga")


async def test_the_time_window_is_the_clients(connection, telegram, kommo, eventually):
    """The owner's words do not open it; the client's do. It fails with what to do."""
    long_ago = int(telegram.now()) - 25 * HOUR_S
    telegram.client_says("hello", date=long_ago, connection=connection)
    telegram.owner_says("I am here", connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["hello", "I am here"])
    late = await kommo.manager_says("too late", to=CHAT)
    await eventually(lambda: kommo.statuses_of(late) == [-1])
    [status] = kommo.account.kommo_message(late).statuses
    assert (status.error_code, "send a template" in status.error) == (905, True)
    telegram.client_says("here I am", connection=connection)
    await eventually(lambda: "here I am" in kommo.texts_in(CHAT))
    again = await kommo.manager_says("welcome", to=CHAT)
    await eventually(lambda: kommo.statuses_of(again) == [1])
    assert telegram.texts_to(ANN) == ["welcome"]


async def test_the_flood_guard_counts_the_clients_words_only(
    connection, telegram, kommo, eventually
):
    """The owner may write as much as he likes; a client's flood is one notice there too."""
    owners = [f"offer {number}" for number in range(LIMIT + 5)]
    for text in owners:
        telegram.owner_says(text, connection=connection)
    clients = [f"spam {number}" for number in range(LIMIT)]
    for text in (*clients, *["beyond"] * 7):
        telegram.client_says(text, connection=connection)
    telegram.owner_says("Enough", connection=connection)
    notice = "[Too many messages within a minute: 7 more were kept, and are not shown here.]"
    await eventually(lambda: notice in kommo.texts_in(CHAT))
    told = kommo.texts_in(CHAT)
    assert [text for text in told if text != notice] == [*owners, *clients, "Enough"]
    assert told.count(notice) == 1


async def test_a_refused_answer_is_an_alert_of_its_account(
    connection, telegram, kommo, eventually
):
    """No update told that the account ended: the refusal did; and answers go on afterwards."""
    telegram.client_says("/start", chat_id=BOSS)
    telegram.client_says("hello", connection=connection, name="Ann")
    await eventually(lambda: CHAT in kommo.conversations)
    telegram.connections[connection].is_enabled = False
    answer = await kommo.manager_says("Anybody?", to=CHAT)
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    ended = "Business account Olga: no longer connected"
    await eventually(lambda: any(ended in text for text in telegram.texts_to(BOSS)))
    again = telegram.owner_connects(OLGA, name="Olga")
    over = f"✅ Over: {ended}"
    await eventually(lambda: any(over in text for text in telegram.texts_to(BOSS)))
    second = await kommo.manager_says("Good day", to=CHAT)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.calls("sendMessage")[-1].text("business_connection_id") == again


async def test_the_operators_hear_that_an_account_ended_and_that_it_is_back(
    connection, telegram, kommo, eventually
):
    """An alert with what the owner can do, once; its end; and `/status` in words."""
    telegram.client_says("/start", chat_id=BOSS)
    telegram.client_says("hello", connection=connection, name="Ann")
    await eventually(lambda: CHAT in kommo.conversations)
    telegram.owner_disconnects(connection)

    def alerts():
        return [text for text in telegram.texts_to(BOSS) if "Olga" in text]

    await eventually(alerts)
    assert alerts()[0].startswith("⚠️")
    assert "Telegram Business" in alerts()[0]
    telegram.owner_connects(OLGA, name="Olga")
    await eventually(lambda: len(alerts()) == 2)
    assert alerts()[1].startswith("✅ Over: ")
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: len(alerts()) == 3)
    assert "Olga: connected" in alerts()[2]
