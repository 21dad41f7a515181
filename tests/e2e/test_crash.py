"""kill -9 at any moment: nothing lost, nothing out of order, nothing doubled in Kommo."""

import asyncio
import random

CLIENTS = range(601, 605)
KILLS = 4
ROUNDS_PER_LIFE = 12


def conversation(client):
    """Return our id of a client's conversation."""
    return f"tg:700001:{client}"


async def test_a_kill_loses_nothing_in_either_direction(process, telegram, kommo, eventually):
    """Through kills at random moments every message arrives, in order, and once in Kommo."""
    chance = random.Random(20261122)  # the same moments in every run
    said: dict[int, list[str]] = {client: [] for client in CLIENTS}
    answered: dict[int, list[str]] = {client: [] for client in CLIENTS}
    status_of = {}

    async def clients_write(life):
        for number in range(ROUNDS_PER_LIFE):
            for client in CLIENTS:
                text = f"client {client} life {life} message {number}"
                telegram.client_says(text, chat_id=client, name=f"Client {client}")
                said[client].append(text)
            await asyncio.sleep(chance.uniform(0, 0.03))

    async def manager_writes(life):
        for number in range(ROUNDS_PER_LIFE):
            for client in CLIENTS:
                if conversation(client) not in kommo.conversations:
                    continue
                text = f"manager to {client} life {life} message {number}"
                message_id = await kommo.manager_says(text, to=conversation(client))
                if kommo.hooks[-1].status == 200:  # Kommo knows that the others did not arrive
                    answered[client].append(text)
                    status_of[text] = message_id
            await asyncio.sleep(chance.uniform(0, 0.03))

    await process.start()
    for client in CLIENTS:
        telegram.client_says("hello", chat_id=client, name=f"Client {client}")
        said[client].append("hello")
    await eventually(lambda: len(kommo.conversations) == len(CLIENTS))
    for life in range(KILLS):
        flow = asyncio.gather(clients_write(life), manager_writes(life))
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        await process.kill()
        await flow
        await process.start()
    await eventually(
        lambda: all(
            len(set(texts_in_kommo(kommo, client)) & set(said[client])) == len(said[client])
            for client in CLIENTS
        ),
        within_s=60,
    )
    await eventually(
        lambda: all(set(telegram.texts_to(client)) >= set(answered[client]) for client in CLIENTS),
        within_s=60,
    )
    await eventually(
        lambda: all(kommo.statuses_of(status_of[text])[:1] == [1] for text in status_of),
        within_s=60,
    )
    for client in CLIENTS:
        assert [t for t in texts_in_kommo(kommo, client) if t in said[client]] == said[client]
        arrived = [t for t in telegram.texts_to(client) if t in answered[client]]
        assert list(dict.fromkeys(arrived)) == answered[client]
    repeated = sum(
        len(telegram.texts_to(client)) - len(set(telegram.texts_to(client))) for client in CLIENTS
    )
    assert repeated <= KILLS
    assert answered[CLIENTS[0]]


def texts_in_kommo(kommo, client):
    """Return what Kommo shows of a client's conversation."""
    return kommo.texts_in(conversation(client))
