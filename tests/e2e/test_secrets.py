"""Tokens and secrets stay on the machine, whatever goes wrong."""

from tests.e2e.conftest import SECRET, TOKEN

CONVERSATION = "tg:700001:555"


async def test_no_secret_leaves_after_a_run_full_of_failures(
    process, telegram, kommo, eventually, tmp_path
):
    """Neither the log, nor the database, nor Kommo ever sees the token or the channel secret."""
    await process.start()
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.faults.html("sendMessage")
    telegram.faults.reset("sendMessage")
    telegram.faults.reset("sendMessage", after_processing=True)
    telegram.faults.fail("sendMessage", status=500)
    telegram.faults.reset("getUpdates", times=2)
    telegram.faults.html("getUpdates")
    kommo.fail_with(500, 502, 403, 429)
    kommo.faults.reset(times=2)
    await kommo.manager_says("through all of this", to=CONVERSATION)
    telegram.client_says("and this")
    await eventually(lambda: "through all of this" in telegram.texts_to(555), within_s=60)
    await eventually(lambda: "and this" in kommo.texts_in(CONVERSATION), within_s=60)
    telegram.revoke(700001)
    kommo.fail_with(403, 403)
    last = await kommo.manager_says("after the token is gone", to=CONVERSATION)
    await eventually(lambda: b"token" in process.log.read_bytes(), within_s=60)
    assert await process.terminate() == 0
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name != "config.toml")
    told = repr([(call.body, call.path) for call in kommo.calls()])
    secret_part = TOKEN.partition(":")[2]
    for secret in (SECRET, TOKEN, secret_part):
        assert secret.encode() not in kept
        assert secret not in told
    assert last
    log = process.log.read_text(encoding="utf-8")
    assert CONVERSATION in log
    assert "through all of this" not in log  # what people say is not the log's business
