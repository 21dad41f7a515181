"""`check` names trouble with a certificate as what it is. Real TLS servers; needs openssl."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from bot.http.tls import certificates
from tests.certificates import HOST, authority, certificate, openssl
from tests.e2e.commands import run_command

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """Make one certificate of each kind, and the authority that is trusted."""
    folder = tmp_path_factory.mktemp("certificates")
    known, unknown = authority(folder, "known"), authority(folder, "unknown")
    alone = folder / "alone.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=IP:{HOST}"),
        *("-keyout", alone.with_suffix(".key"), "-out", alone),
    )
    return {
        "known": known,
        "good": certificate(known, "good"),
        "soon": certificate(known, "soon", ends=f"{datetime.now(UTC) + 5 * DAY:%Y%m%d%H%M%SZ}"),
        "last": certificate(known, "last", ends=f"{datetime.now(UTC) + 2 * DAY:%Y%m%d%H%M%SZ}"),
        "expired": certificate(known, "expired", ends="20250201000000Z"),
        "future": certificate(known, "future", begins="20980101000000Z"),
        "foreign": certificate(known, "foreign", host="other.example.org"),
        "untrusted": certificate(unknown, "untrusted"),
        "alone": alone,
    }


@pytest.fixture(autouse=True)
def trust(made, monkeypatch):
    """Trust the one authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(made["known"]))
    certificates.cache_clear()
    yield
    certificates.cache_clear()


@pytest.fixture
async def serve(made):
    """Start a web server with a certificate, or with none; return its address."""
    runners = []

    async def start(name):
        context = None
        if name is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(made[name], made[name].with_suffix(".key"))
        application = web.Application()

        async def bad_gateway(_request):
            return web.Response(status=502, text="Bad Gateway")

        application.router.add_route("*", "/{any:.*}", bad_gateway)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0, ssl_context=context).start()
        runners.append(runner)
        return f"https://{HOST}:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def check(config):
    """Run `check` with a setting changed; return its exit code and its findings by name."""

    async def run(key, url):
        lines = config.read_text(encoding="utf-8").splitlines()
        changed = [f'{key} = "{url}"' if line.startswith(f"{key} = ") else line for line in lines]
        config.write_text("\n".join(changed), encoding="utf-8")
        code, said, _errors = await run_command("check", "--json", config=config)
        return code, {row["name"]: row for row in json.loads(said)}

    return run


TROUBLE = {
    "expired": "has expired",
    "future": "not valid yet",
    "foreign": "another host name",
    "untrusted": "unknown authority",
    "alone": "self-signed",
}


@pytest.mark.parametrize(("name", "words"), TROUBLE.items(), ids=TROUBLE)
async def test_trouble_with_the_public_addresss_certificate_is_named(check, serve, name, words):
    """What Kommo would not accept fails, in words, with a remedy of its own."""
    code, found = await check("public_url", await serve(name))
    row = found["certificate"]
    assert (code, row["state"], words in row["text"]) == (1, "failed", True), row
    assert row["remedy"]
    assert "public address" not in found


async def test_a_good_certificate_is_said_with_its_days(check, serve):
    """Before the bridge runs, the proxy's 502 is what it should answer."""
    code, found = await check("public_url", await serve("good"))
    assert (code, found["certificate"]["state"]) == (0, "ok")
    assert "more days" in found["certificate"]["text"]
    assert "answers 502" in found["public address"]["text"]
    assert found["public address"]["state"] == "ok"


@pytest.mark.parametrize(("name", "words"), [("soon", "4 days"), ("last", "1 day")])
async def test_a_certificate_that_nobody_renews_is_a_warning(check, serve, name, words):
    """Days before Kommo stops to accept it."""
    code, found = await check("public_url", await serve(name))
    assert (code, found["certificate"]["state"]) == (0, "warning")
    assert found["certificate"]["text"].endswith(f"expires in {words}")


async def test_a_port_without_tls_is_named(check, serve):
    """An https address that a plain web server answers."""
    _code, found = await check("public_url", await serve(None))
    assert "no TLS" in found["public address"]["text"]
    assert found["public address"]["state"] != "ok"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        pytest.param("chats_url", "channel", id="kommo"),
        pytest.param("api_url", "bot 700001", id="telegram"),
    ],
)
@pytest.mark.parametrize("kind", TROUBLE)
async def test_trouble_with_others_certificates_is_named_too(check, serve, kind, key, name):
    """Behind a company's proxy, or with a Bot API server of one's own."""
    code, found = await check(key, await serve(kind))
    assert (code, found[name]["state"]) == (1, "failed")
    assert TROUBLE[kind] in found[name]["text"]
