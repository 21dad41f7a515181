"""The sandbox's page: a person tries the bridge by hand, in a browser."""

import http.client
import json
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import AXE, Visit, chromium, demo


@pytest.fixture(scope="module")
def stage():
    """One demo and one browser for all tests here; each has a client of its own."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        yield browser, stack.enter_context(demo())


@pytest.fixture
def visit(stage):
    """Somebody who looks at the page with a new client's phone; the browser has no complaints."""
    browser, address = stage
    visit = Visit(browser, address, viewport={"width": 1440, "height": 900})
    visit.new_client()
    yield visit
    visit.context.close()
    assert visit.complaints == []


def begun(visit, text="Hi"):
    """Let the client write, and the manager open the conversation."""
    visit.writes(visit.telegram, text)
    visit.opens(visit.client())
    visit.shown(visit.kommo, text)


def asks(address, path, *, method="GET", body=None, **headers):
    """Ask the page something; return the status."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    content = json.dumps(body or {}).encode()
    connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    answer = connection.getresponse()
    connection.close()
    return answer.status


def test_a_newcomer_gets_an_answer(visit):
    """Text crosses both ways; the manager sees Delivered, and Read once the client answers."""
    begun(visit, "Do you deliver?")
    visit.writes(visit.kommo, "Yes, on weekdays.")
    visit.shown(visit.telegram, "Yes, on weekdays.")
    answer = visit.shown(visit.kommo, "Yes, on weekdays.")
    expect(answer).to_contain_text("Delivered")
    visit.writes(visit.telegram, "Thank you!")
    visit.shown(visit.kommo, "Thank you!")
    expect(answer).to_contain_text("Read")
    assert visit.counters() == ["0", "0", "0"]


def test_a_reload_loses_nothing(visit):
    """Who reloads the page has the same client and the same conversation before them."""
    begun(visit, "Before the reload")
    visit.page.reload()
    visit.shown(visit.telegram, "Before the reload")
    visit.shown(visit.kommo, "Before the reload")


def test_kill_and_recovery(visit):
    """What both sides write while the bridge is dead arrives after its start, once, in order."""
    begun(visit)
    visit.bridge.get_by_role("button", name="Kill the bridge").click()
    expect(visit.bridge.get_by_text("Not running")).to_be_visible()
    for number in (1, 2, 3):
        visit.writes(visit.telegram, f"question {number}")
        visit.writes(visit.kommo, f"answer {number}")
    expect(visit.shown(visit.kommo, "answer 3")).to_contain_text("Sent")
    visit.bridge.get_by_role("button", name="Start the bridge").click()
    visit.shown(visit.kommo, "question 3")
    visit.shown(visit.telegram, "answer 3")
    expect(visit.shown(visit.kommo, "answer 3")).to_contain_text("Delivered")
    assert visit.counters() == ["0", "0", "0"]


def test_an_error_says_why(visit):
    """A manager reads why an answer did not arrive, also on hover."""
    begun(visit)
    visit.telegram.get_by_label("More for this client").click()
    visit.telegram.get_by_role("button", name="Block or unblock the bot").click()
    expect(visit.telegram.get_by_text("has blocked this bot")).to_be_visible()
    visit.writes(visit.kommo, "Are you there?")
    words = "Error: The client has blocked the bot."
    answer = visit.shown(visit.kommo, "Are you there?")
    expect(answer).to_contain_text(words)
    expect(answer.get_by_title(words)).to_be_visible()
    visit.telegram.get_by_role("button", name="Unblock it").click()
    expect(visit.telegram.get_by_label("Message")).to_be_visible()


@pytest.mark.parametrize("name", ["Telegram is down", "Kommo is down"])
def test_an_outage_holds_messages_back(visit, name):
    """While a server is down its messages wait; they arrive when it is there again."""
    begun(visit)
    switch = visit.bridge.get_by_label(name)
    switch.check()
    side, other = (visit.kommo, visit.telegram)
    if name.startswith("Kommo"):
        side, other = other, side
    visit.writes(side, "during the outage")
    visit.shown(side, "during the outage")
    visit.page.wait_for_timeout(500)
    assert "during the outage" not in other.get_by_role("log").inner_text()
    switch.uncheck()
    visit.shown(other, "during the outage")
    assert visit.counters() == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="the page's own"),
        pytest.param({"Host": "evil.example"}, 421, id="a foreign name"),
        pytest.param({"Host": "evil.example:80"}, 421, id="a foreign name with a port"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="a foreign page"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, 403, id="another port of this machine"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/static/main.js"),
        ("POST", "/switches"),
        ("POST", "/kommo/sandbox/contacts"),
    ],
)
def test_only_this_machines_browser_may_use_it(stage, method, path, headers, status):
    """A foreign Host or Origin is refused, whatever is asked."""
    given = asks(stage[1], path, method=method, body={"name": "slow", "is_on": False}, **headers)
    assert given == status


def test_the_page_shows_the_story(visit):
    """Played from the page, the scripted conversation arrives whole."""
    play = visit.bridge.get_by_role("button", name="Play the story")
    play.click()
    expect(play).to_be_disabled()
    expect(visit.bridge.get_by_text("Everything arrived.", exact=True)).to_be_visible(
        timeout=60_000
    )
    expect(play).to_be_enabled()
    assert visit.counters() == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("entry", "selector"),
    [
        pytest.param("A sample photo", "img.picture", id="photo"),
        pytest.param("A sample voice note", "audio, a.file", id="voice"),
        pytest.param("A sticker", "img.picture", id="sticker"),
        pytest.param("A location", "text=52.5163, 13.3777", id="location"),
        pytest.param("A contact", "text=Taxi", id="contact"),
    ],
)
def test_what_a_client_sends(visit, entry, selector):
    """Each kind of content is seen in Kommo as what it is."""
    begun(visit)
    visit.attaches(visit.telegram, entry)
    shown = visit.kommo.get_by_role("log").locator(selector)
    expect(shown.first).to_be_visible()
    if selector.startswith("img"):
        assert shown.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.parametrize(
    ("name", "kind", "selector"),
    [
        pytest.param("plan.pdf", "application/pdf", "a.file", id="file"),
        pytest.param("clip.mp4", "video/mp4", "video, a.file", id="video"),
    ],
)
def test_a_file_is_dropped(visit, name, kind, selector):
    """A file dropped on the phone crosses with its name."""
    begun(visit)
    drop = """([side, name, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File(["%PDF-1.4 content"], name, {type: kind}));
        const column = document.querySelector(side);
        column.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
    }"""
    visit.page.evaluate(drop, ["#client-side", name, kind])
    expect(visit.kommo.get_by_role("log").locator(selector).first).to_be_visible()
    visit.page.evaluate(drop, ["#manager-side", "offer.pdf", "application/pdf"])
    expect(visit.telegram.get_by_role("log").get_by_text("offer.pdf")).to_be_visible()


def test_what_a_manager_sends(visit):
    """A picture, a template, a list; pressed buttons are answers."""
    begun(visit)
    visit.attaches(visit.kommo, "A sample picture")
    expect(visit.telegram.get_by_role("log").locator("img.picture")).to_be_visible()
    visit.attaches(visit.kommo, "List to choose from")
    visit.shown(visit.telegram, "When shall we come?")
    visit.attaches(visit.kommo, "Template: Order confirmed")
    order = visit.shown(visit.telegram, "Your order 4711 is confirmed")
    order.get_by_role("button", name="Yes, please").click()
    visit.shown(visit.kommo, "Yes, please")
    assert visit.counters() == ["0", "0", "0"]


def test_replies_edits_and_reactions(visit):
    """What is done with a message is seen on the other side."""
    begun(visit, "Do you deliver?")
    visit.shown(visit.kommo, "Do you deliver?").hover()
    visit.shown(visit.kommo, "Do you deliver?").get_by_role("button", name="Reply").click()
    visit.writes(visit.kommo, "We do.")
    answer = visit.shown(visit.telegram, "We do.")
    expect(answer.get_by_role("blockquote")).to_have_text("Do you deliver?")
    answer.hover()
    answer.get_by_label("React").click()
    answer.get_by_role("button", name="🔥").click()
    expect(visit.shown(visit.kommo, "We do.").get_by_text("🔥")).to_be_visible()
    visit.shown(visit.telegram, "Do you deliver?")
    question = visit.telegram.get_by_role("log").get_by_role("listitem").first
    question.hover()
    question.get_by_role("button", name="Edit").click()
    visit.writes(visit.telegram, "Do you deliver on Sundays?")
    edited = visit.kommo.get_by_role("log").get_by_role("listitem").first
    expect(edited).to_contain_text("Do you deliver on Sundays?")
    expect(edited.get_by_text("edited")).to_be_visible()


def test_a_client_sees_that_the_manager_types(visit):
    """Typing in Kommo is seen in Telegram."""
    begun(visit)
    visit.kommo.get_by_label("Message").press_sequentially("We")
    expect(visit.telegram.get_by_text("is typing…")).to_be_visible()


@pytest.mark.parametrize("name", ["Both answer slowly", "Too many requests (429)"])
def test_trouble_delays_and_loses_nothing(visit, name):
    """Slow servers and refusals for the time being end in a delivered message."""
    begun(visit)
    switch = visit.bridge.get_by_label(name)
    switch.check()
    visit.writes(visit.telegram, "in trouble")
    visit.page.wait_for_timeout(300)
    switch.uncheck()
    visit.shown(visit.kommo, "in trouble")
    assert visit.counters() == ["0", "0", "0"]


def test_webhooks_that_never_came(visit):
    """What Kommo told nobody of is read back when the bridge starts."""
    begun(visit)
    switch = visit.bridge.get_by_label("No webhooks arrive")
    switch.check()
    visit.writes(visit.kommo, "nobody was told")
    visit.shown(visit.kommo, "nobody was told")
    switch.uncheck()
    visit.bridge.get_by_role("button", name="Kill the bridge").click()
    visit.bridge.get_by_role("button", name="Start the bridge").click()
    visit.shown(visit.telegram, "nobody was told")
    assert visit.counters() == ["0", "0", "0"]


def test_two_bots_are_two_conversations(visit):
    """One client writes to two bots: the inbox names the source of each."""
    begun(visit, "to sales")
    visit.telegram.get_by_label("Writes to").select_option(label="Support (@sandbox_support_bot)")
    visit.writes(visit.telegram, "to support")
    visit.shown(visit.kommo, "to support")
    inbox = visit.kommo.get_by_role("list", name="Inbox")
    for source in ("sales", "support"):
        own = inbox.get_by_role("button", name=visit.client()).filter(has_text=f"via {source}")
        expect(own).to_have_count(1)


def test_the_inbox_is_sorted_by_source(visit):
    """Conversations stand under their source, the newest first."""
    begun(visit, "to sales")
    visit.telegram.get_by_label("Writes to").select_option(label="Support (@sandbox_support_bot)")
    visit.writes(visit.telegram, "to support")
    visit.shown(visit.kommo, "to support")
    rows = visit.kommo.get_by_role("list", name="Inbox").get_by_role("listitem")
    texts = [text.split("\n")[0] for text in rows.all_inner_texts()]
    sales, support = texts.index("via sales"), texts.index("via support")
    assert support < sales
    names = [row.split("\n")[-1] for row in rows.all_inner_texts()]
    assert set(names[support:sales]) == {"via support"}


def test_both_sides_begin_with_the_same_conversation(stage):
    """Who opens the page and answers in Kommo answers the client whose phone is beside it."""
    browser, address = stage
    visit = Visit(browser, address, viewport={"width": 1440, "height": 900})
    expect(visit.kommo.get_by_label("Message")).to_have_attribute("placeholder", "Answer Ann…")
    phone = visit.telegram.get_by_label("Message")
    expect(phone).to_have_attribute("placeholder", "Write to Sales as Ann…")
    visit.writes(visit.kommo, "A first answer")
    visit.shown(visit.telegram, "A first answer")
    visit.context.close()
    assert visit.complaints == []


def test_a_profile_picture(visit):
    """A client's own picture is seen on the phone and, from their second message on, in Kommo."""
    name = visit.client()
    visit.telegram.get_by_label("More for this client").click()
    visit.telegram.get_by_role("button", name="A sample profile picture").click()
    chip = visit.telegram.locator("[aria-pressed=true].chip")
    expect(chip.locator("img.avatar")).to_be_visible()
    assert visit.client() == name
    begun(visit)
    inbox = visit.kommo.get_by_role("list", name="Inbox")
    picture = inbox.get_by_role("button", name=name).locator("img.avatar")
    for number in range(20):
        visit.writes(visit.telegram, f"Hello {number}?")
        visit.shown(visit.kommo, f"Hello {number}?")
        if picture.is_visible():
            break
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_a_row_of_a_list_is_an_answer(visit):
    """What a client chooses from a manager's list is seen in Kommo."""
    begun(visit)
    visit.attaches(visit.kommo, "List to choose from")
    asked = visit.shown(visit.telegram, "When shall we come?")
    asked.get_by_role("button", name="Thursday").click()
    visit.shown(visit.kommo, "Thursday")
    visit.attaches(visit.kommo, "Question with buttons")
    asked = visit.shown(visit.telegram, "Shall we call you back?")
    asked.get_by_role("button", name="Yes").click()
    visit.shown(visit.kommo, "Yes")


def test_a_client_quotes_and_a_manager_reacts(visit):
    """The other directions of what a message can have done with it."""
    begun(visit, "Is it ready?")
    visit.writes(visit.kommo, "It is.")
    answer = visit.shown(visit.telegram, "It is.")
    answer.hover()
    answer.get_by_role("button", name="Reply").click()
    visit.writes(visit.telegram, "I am coming.")
    quoting = visit.shown(visit.kommo, "I am coming.")
    expect(quoting.get_by_role("blockquote")).to_have_text("It is.")
    quoting.hover()
    quoting.get_by_label("React").click()
    quoting.get_by_role("button", name="👍").click()
    expect(visit.shown(visit.telegram, "I am coming.").get_by_text("👍")).to_be_visible()


def test_a_webhook_that_never_came_is_not_lost(visit):
    """Without a webhook a message is on its way, and the page says why, once all is well again."""
    begun(visit)
    switch = visit.bridge.get_by_label("No webhooks arrive")
    switch.check()
    visit.writes(visit.kommo, "nobody hears of this")
    visit.shown(visit.kommo, "nobody hears of this")
    switch.uncheck()
    expect(visit.bridge.get_by_text("without a webhook: the bridge asks Kommo")).to_be_visible()
    visit.page.wait_for_timeout(500)
    assert visit.counters() == ["0", "0", "0"]
    visit.bridge.get_by_role("button", name="Kill the bridge").click()
    visit.bridge.get_by_role("button", name="Start the bridge").click()
    visit.shown(visit.telegram, "nobody hears of this")
    expect(visit.bridge.get_by_text("without a webhook")).to_have_count(0)


def test_a_long_text_is_opened_on_demand(visit):
    """Of a very long text the beginning is shown, and all of it on demand."""
    begun(visit, "A beginning. " + "And so on. " * 90)
    item = visit.shown(visit.kommo, "A beginning.")
    before = item.bounding_box()["height"]
    item.get_by_role("button", name="Show all").click()
    expect(item.get_by_role("button", name="Show less")).to_be_visible()
    assert item.bounding_box()["height"] > before + 100


def test_an_invited_contact(visit):
    """Who opens an invitation is the contact that it was made for."""
    begun(visit)
    visit.kommo.get_by_role("button", name="Invite a contact…").click()
    visit.page.get_by_role("dialog").get_by_label("Name").fill("Greta Baker")
    visit.page.get_by_role("button", name="Make a link").click()
    expect(visit.page.get_by_role("alert")).to_contain_text(
        "https://t.me/sandbox_sales_bot?start="
    )
    visit.telegram.get_by_label("More for this client").click()
    visit.telegram.get_by_role("button", name="Open an invitation link…").click()
    visit.page.get_by_role("dialog").get_by_role("button", name="Open").click()
    expect(visit.kommo.get_by_text("Greta Baker")).to_be_visible()


def test_writing_first(visit):
    """A manager writes to the number that a client has shared."""
    begun(visit)
    visit.telegram.get_by_label("More for this client").click()
    visit.telegram.get_by_role("button", name="Share the phone number").click()
    phone = f"+4930555{visit.page.evaluate('JSON.parse(Object.values(sessionStorage)[0]).client')}"
    visit.shown(visit.kommo, phone)
    visit.kommo.get_by_role("button", name="Write first to a number…").click()
    visit.page.get_by_label("Phone number").fill(phone)
    visit.page.get_by_label("Text", exact=True).fill("Your order has arrived.")
    visit.page.get_by_role("button", name="Write", exact=True).click()
    visit.shown(visit.telegram, "Your order has arrived.")


def test_the_way_of_a_message(visit):
    """Between the sides each message's steps are shown, with times."""
    begun(visit, "Which way did it go?")
    ways = visit.bridge.get_by_role("list", name="Latest messages")
    way = ways.locator("li.way").filter(has_text="Which way did it go?")
    expect(way.locator("li.done")).to_have_count(4)


def test_the_keyboard_is_enough(visit):
    """A conversation both ways, and a switch, without a mouse."""
    visit.telegram.get_by_label("Message").focus()
    visit.page.keyboard.type("By keyboard")
    visit.page.keyboard.press("Enter")
    visit.shown(visit.kommo, "By keyboard")
    for _ in range(80):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.id") == "manager-text":
            break
    visit.page.keyboard.type("Answered by keyboard")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    visit.shown(visit.telegram, "Answered by keyboard")
    switch = visit.bridge.get_by_label("Both answer slowly")
    switch.focus()
    visit.page.keyboard.press("Space")
    expect(switch).to_be_checked()
    visit.page.keyboard.press("Space")
    expect(switch).not_to_be_checked()


def focused(page):
    """Return the name of what has the focus."""
    return page.evaluate("""() => {
        const one = document.activeElement;
        return one.getAttribute("aria-label") || one.innerText.trim() || one.id;
    }""")


def goes_to(page, name, *, key="Tab"):
    """Press a key until something has the focus."""
    for _ in range(120):
        if focused(page).startswith(name):
            return
        page.keyboard.press(key)
    pytest.fail(f"{name} is not reached by {key}")


def test_menus_by_keyboard(visit):
    """Attachments, reactions, quotes and dialogs need no mouse; Escape closes a menu."""
    page = visit.page
    begun(visit, "By keyboard alone")
    visit.kommo.get_by_label("Message").focus()
    goes_to(page, "Attach", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(visit.kommo.get_by_role("button", name="List to choose from")).to_be_visible()
    page.keyboard.press("Escape")
    expect(visit.kommo.get_by_role("button", name="List to choose from")).to_be_hidden()
    assert focused(page) == "Attach"
    page.keyboard.press("Enter")
    goes_to(page, "Question with buttons")
    page.keyboard.press("Enter")
    asked = visit.shown(visit.telegram, "Shall we call you back?")
    visit.telegram.get_by_role("log").focus()
    goes_to(page, "Yes")
    page.keyboard.press("Enter")
    visit.shown(visit.kommo, "Yes")
    asked.get_by_role("button", name="Reply").focus()
    goes_to(page, "React")
    page.keyboard.press("Enter")
    goes_to(page, "🔥")
    page.keyboard.press("Enter")
    expect(visit.shown(visit.kommo, "Shall we call you back?").get_by_text("🔥")).to_be_visible()
    visit.kommo.get_by_role("button", name="Write first to a number…").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused(page) == "Write first to a number…"


def test_the_keyboard_stays_where_it_is(visit):
    """A message that arrives meanwhile takes the focus from nothing."""
    begun(visit)
    own = visit.kommo.get_by_role("list", name="Inbox").get_by_role("button", name=visit.client())
    own.focus()
    message = {"text": "meanwhile", "chat_id": 555}
    assert asks(visit.address, "/telegram/sandbox/client/says", method="POST", body=message) == 200
    expect(visit.kommo.get_by_role("list", name="Inbox").get_by_text("meanwhile")).to_be_visible()
    expect(own).to_be_focused()
    client = int(visit.page.evaluate("JSON.parse(Object.values(sessionStorage)[0]).client"))
    message = {"text": "and again", "chat_id": client}
    assert asks(visit.address, "/telegram/sandbox/client/says", method="POST", body=message) == 200
    visit.shown(visit.kommo, "and again")
    expect(own).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200, 1440])
def test_anybody_can_use_it(stage, width, scheme):
    """An audit finds nothing, in light and dark, on a desk and on a phone; nothing overflows."""
    browser, address = stage
    if not AXE.exists():
        pytest.skip("this test needs npm's axe-core, which .ci/run installs")
    visit = Visit(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    visit.new_client()
    begun(visit)
    visit.writes(visit.kommo, "Hello")
    expect(visit.shown(visit.kommo, "Hello")).to_contain_text("Delivered")
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = visit.page.evaluate("axe.run()")
    assert [(one["id"], [n["target"] for n in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.context.close()
    assert visit.complaints == []
