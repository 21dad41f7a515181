// A client's phone: whose it is, which bot they write to, and the conversation.

import { composer, menu, sampleSound, samplePicture } from "./compose.js";
import { ask, attempt, avatar, h, post, refill, sync, upload } from "./dom.js";
import { log } from "./log.js";
import { action, bubble, reactor } from "./messages.js";
import { choice, choose, group, record } from "./store.js";

const FIRST_CLIENT = 555;
const TYPING_MS = 5000;
const SAY = "/telegram/sandbox/client/";
const NAMES = ["Ann", "Bob", "Carla", "Dmitri", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"];

let replyTo = null;
let changing = null;

const bots = () => [...group("bots").values()].sort((one, other) => one.order - other.order);
const botId = () => record("bots", choice("bot"))?.id ?? bots()[0]?.id;
const clientId = () => choice("client") ?? FIRST_CLIENT;
const connection = () => [...group("connections").values()].find((one) => one.id === choice("connection"));
const clientName = () => record("clients", clientId())?.name ?? NAMES[clientId() - FIRST_CLIENT] ?? `Client ${clientId()}`;
const chatKey = () => `${botId()}.${connection()?.owner ?? 0}.${clientId()}`;
const isBlocked = () => !connection() && record("clients", clientId())?.blocked.includes(botId());

/** Whose phone it is, and whom it writes to. */
export const phoneNow = () => ({ bot: botId(), owner: connection()?.owner, client: clientId() });

/** Who does it, and where, as the sandbox's Telegram wants it. */
function where() {
  const place = { chat_id: clientId(), bot: botId(), name: clientName() };
  return connection() ? { ...place, connection: connection().id } : place;
}

const does = (what, fields = {}) => post(SAY + what, { ...where(), ...fields });

/** Fill the column; returns what updates it. */
export function drawTelegram(column) {
  const people = h("div", { class: "people", role: "group", "aria-label": "Client" });
  const places = h("select", { id: "place", "aria-label": "Writes to" });
  const typing = h("p", { class: "typing", "aria-live": "polite" });
  const notice = h("p", { class: "notice", hidden: true });
  const keys = h("div", { class: "keyboard bottom" });
  const talk = log("Conversation");
  const form = composer("client", { send: (text) => write(text, form), entries: entries(), drop: sendFile, column });
  form.form.addEventListener("leave", () => leave(form));
  places.addEventListener("change", () => goTo(places.value, form));
  column.append(
    h("div", { class: "bar" },
      h("h2", {}, "Telegram ", h("small", {}, "a client's phone")),
      people),
    h("div", { class: "bar second" },
      h("label", { for: "place" }, "Writes to"), places,
      menu("More for this client", "more", deeds())),
    talk.box, typing, notice, keys, form.form);
  return updater({ people, places, typing, notice, keys, talk, form });
}

function updater({ people, places, typing, notice, keys, talk, form }) {
  let drawn = null;
  let typed = null;
  let hiding;
  return (changed) => {
    const isElsewhere = drawn !== chatKey();
    if (changed.has("clients") || changed.has("choice") || isElsewhere) drawPeople(people, form);
    if (changed.has("bots") || changed.has("connections") || changed.has("choice")) drawPlaces(places);
    if (changed.has("clients") || changed.has("choice") || isElsewhere) drawNotice(notice, form);
    if (changed.has("chats") || isElsewhere) {
      const count = record("chats", chatKey())?.typing ?? 0;
      if (!isElsewhere && typed !== null && count > typed) {
        typing.textContent = `${botName()} is typing…`;
        clearTimeout(hiding);
        hiding = setTimeout(() => { typing.textContent = ""; }, TYPING_MS);
      }
      typed = count;
    }
    if (!changed.has(`chat.${chatKey()}`) && !isElsewhere) return;
    if (isElsewhere) leave(form);
    drawn = chatKey();
    const messages = [...group(`chat.${drawn}`).values()].sort((one, other) => one.id - other.id);
    talk.show(isElsewhere, messages, keyIn(drawn), (one) => draw(one, form));
    drawKeys(keys, messages);
    if (messages.at(-1)?.by === "bot") typing.textContent = "";
  };
}

const keyIn = (place) => (one) => `${place}/${one.id}`;
const botName = () => connection()?.name ?? record("bots", botId())?.name ?? "The bot";

function drawPeople(people, form) {
  const known = [...group("clients").values()].filter((one) => !one.is_owner);
  if (!known.some((one) => one.id === clientId())) known.push({ id: clientId(), name: clientName() });
  known.sort((one, other) => one.id - other.id);
  const chips = known.map(({ id, name, avatar: picture }) => ({ id, name, picture, isChosen: id === clientId() }));
  const next = { id: "next", client: known.at(-1).id + 1 };
  sync(people, [...chips, next], (one) => one.id, (one) => (one === next ? another(one.client, form) : chip(one, form)));
  if (people.dataset.client === String(clientId())) return;
  people.dataset.client = clientId();
  people.scrollLeft = people.querySelector("[aria-pressed=true]").offsetLeft - 40;
}

function chip({ id, name, picture, isChosen }, form) {
  const take = () => { leave(form); choose("client", id); };
  return h("button", { type: "button", class: "chip", "aria-pressed": String(isChosen), onclick: take },
    avatar(name, picture ? `/files/telegram/${picture}` : null), name);
}

function another(client, form) {
  const take = () => { leave(form); choose("client", client); form.box.focus(); };
  return h("button", { type: "button", class: "chip", title: "Another client", onclick: take },
    h("span", { "aria-hidden": "true" }, "+"), h("span", { class: "gone" }, "Another client"));
}

function drawPlaces(places) {
  const chosen = connection() ? `connection ${connection().id}` : `bot ${botId()}`;
  refill(places,
    ...bots().map((bot) => h("option", { value: `bot ${bot.id}` }, `${bot.name} (@${bot.username})`)),
    ...[...group("connections").values()].filter((one) => one.is_enabled)
      .map((one) => h("option", { value: `connection ${one.id}` }, `${one.name}, a business account`)));
  places.value = chosen;
}

function goTo(place, form) {
  const [kind, id] = place.split(" ");
  leave(form);
  choose("connection", kind === "connection" ? id : null);
  if (kind === "bot") choose("bot", Number(id));
}

function drawNotice(notice, form) {
  notice.hidden = !isBlocked();
  form.form.hidden = isBlocked();
  form.invite(`Write to ${botName()} as ${clientName()}…`);
  if (!isBlocked()) return;
  refill(notice, h("span", {}, `${clientName()} has blocked this bot. `),
    h("button", { type: "button", class: "plain", onclick: () => attempt(() => does("unblocks")) }, "Unblock it"));
}

function drawKeys(keys, messages) {
  const last = messages.findLast((one) => one.by === "bot" && one.keyboard);
  const rows = last?.keyboard.keyboard || [];
  keys.replaceChildren(...rows.map((row) => h("div", {}, ...row.map((button) =>
    h("button", { type: "button", class: "choice", onclick: () => press(last, button) }, button.text)))));
}

function draw(message, form) {
  const isOwn = message.by === "client";
  const actions = [action("reply", "Reply", () => quote(message, form))];
  if (isOwn && message.kind !== "sticker") actions.push(action("edit", "Edit", () => change(message, form)));
  if (!connection() && !isOwn) {
    actions.push(reactor("React", message.own_reaction, (emoji) => attempt(() => does("reacts", { message_id: message.id, emoji }))));
  }
  return bubble(message, {
    isOwn,
    author: isOwn ? clientName() : botName(),
    address: message.file ? `/files/telegram/${message.file.id}` : null,
    actions,
    press: message.keyboard?.inline_keyboard ? (button) => press(message, button) : null,
  });
}

function press(message, button) {
  if (button.url) return window.open(button.url, "_blank", "noopener");
  if (button.request_contact) return attempt(sharePhone);
  return attempt(() => does("presses", { message_id: message.id, button: button.text }));
}

function quote(message, form) {
  leave(form);
  replyTo = message.id;
  form.show(`Reply to: ${message.text || message.kind}`);
}

function change(message, form) {
  leave(form);
  changing = message.id;
  form.box.value = message.text || "";
  form.show("Change what was written");
}

function leave(form) {
  if (changing !== null) form.box.value = "";
  replyTo = changing = null;
  form.context.hidden = true;
}

async function write(text, form) {
  const [quoted, changed] = [replyTo, changing];
  leave(form);
  if (changed !== null) return does("edits", { message_id: changed, text });
  return does("says", quoted === null ? { text } : { text, reply_to: quoted });
}

function kindOf(file) {
  if (/^image\/(png|jpe?g|gif|bmp)$/.test(file.type)) return "photo";
  if (file.type.startsWith("video/")) return "video";
  if (file.type === "audio/ogg") return "voice";
  return file.type.startsWith("audio/") ? "audio" : "document";
}

const sendFile = (file) => sendAs(kindOf(file), file, file.name);

function sendAs(kind, content, name) {
  const place = where();
  const query = new URLSearchParams({ kind, name, chat_id: place.chat_id, bot: place.bot, name_of_client: place.name });
  if (place.connection) query.set("connection", place.connection);
  if (replyTo !== null) query.set("reply_to", replyTo);
  replyTo = null;
  return upload(`${SAY}sends?${query}`, content);
}

function entries() {
  return [
    { label: "Photo from this computer…", accept: "image/*", act: sendFile },
    { label: "Video…", accept: "video/*", act: (file) => sendAs("video", file, file.name) },
    { label: "Voice recording…", accept: "audio/*", act: (file) => sendAs("voice", file, file.name) },
    { label: "File…", accept: "*", act: (file) => sendAs("document", file, file.name) },
    { label: "A sample photo", act: async () => sendAs("photo", await samplePicture(), "hills.png") },
    { label: "A sample voice note", act: () => sendAs("voice", sampleSound(), "note.wav") },
    { label: "A sticker", act: async () => sendAs("sticker", await samplePicture("image/webp", "🦊"), "fox.webp") },
    { label: "A location", act: () => does("shows", { content: { location: { latitude: 52.5163, longitude: 13.3777 } } }) },
    { label: "A contact", act: () => does("shows", { content: { contact: { phone_number: "+493012345", first_name: "Taxi" } } }) },
  ];
}

function deeds() {
  return [
    { label: "Block or unblock the bot", act: () => does(isBlocked() ? "unblocks" : "blocks") },
    { label: "Share the phone number", act: sharePhone },
    { label: "Profile picture…", accept: "image/*", act: showAs },
    { label: "A sample profile picture", act: async () => showAs(await samplePicture("image/jpeg")) },
    { label: "Open an invitation link…", act: openLink },
    { label: "Write to a business account", act: toBusiness, isOffered: () => record("bots", botId())?.takes_business },
  ];
}

const sharePhone = () => does("shares_phone", { phone: `+4930555${clientId()}` });

const showAs = (picture) => upload(`${SAY}avatar?${new URLSearchParams({ chat_id: clientId(), name: clientName() })}`, picture);

async function openLink() {
  const value = choice("invitation") || "";
  const told = await ask("Open an invitation link", [{ name: "link", label: "Link", value }], "Open");
  if (!told) return null;
  return does("starts", { payload: told.link.split("start=").at(-1) });
}

async function toBusiness() {
  const known = [...group("connections").values()].find((one) => one.is_enabled);
  const id = known ? known.id : (await post(`${SAY}connects`, { owner: 900, name: "Olga's bakery", bot: botId() })).connection;
  choose("connection", id);
}
