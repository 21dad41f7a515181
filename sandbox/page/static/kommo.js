// Kommo as a manager sees it: the inbox, a conversation, its lead and contact.

import { composer, samplePicture } from "./compose.js";
import { ask, attempt, avatar, clock, h, post, refill, sync, toast, upload } from "./dom.js";
import { log } from "./log.js";
import { action, bubble, reactor } from "./messages.js";
import { choice, choose, group, record } from "./store.js";
import { phoneNow } from "./telegram.js";

const MANAGER = "/kommo/sandbox/manager/";
const TYPING_PAUSE_MS = 4000;
const TEMPLATES = [
  { id: 1, name: "Order confirmed", content: "Your order 4711 is confirmed. Shall we deliver tomorrow?", buttons: ["Yes, please", "Another day"] },
  { id: 2, name: "Opening hours", content: "We are open on weekdays from 9 to 18.", buttons: [] },
];
const LIST = {
  header: "Delivery",
  body: "When shall we come?",
  footer: "Free of charge",
  button: "Choose a day",
  sections: [{ title: "This week", rows: [
    { callback_data: "thu", title: "Thursday", description: "After 10:00" },
    { callback_data: "fri", title: "Friday", description: "All day" },
  ] }],
};

const EMPTY = { id: "none", text: "No conversation yet: write something on the client's phone." };

let replyTo = null;
let typedAt = 0;

const newestFirst = () => [...group("conversations").values()].sort((one, other) => other.last - one.last);
/** What was chosen; else the conversation of the phone beside it, so that both sides show the same. */
const current = () => record("conversations", choice("conversation")) ?? ofThePhone() ?? newestFirst()[0];
const messagesOf = (id) => [...group(`kommo.${id}`).values()].sort((one, other) => one.at - other.at);
const sends = (fields) => post(`${MANAGER}sends`, { to: current().id, ...fields });

/** Fill the column; returns what updates it. */
export function drawKommo(column) {
  const inbox = h("ul", { class: "inbox", "aria-label": "Inbox" });
  const head = h("div", { class: "bar second person" });
  const talk = log("Conversation");
  const card = h("aside", { class: "card", "aria-label": "Lead and contact" });
  const form = composer("manager", { send: write, typing, entries: entries(), drop: attach, column });
  form.form.addEventListener("leave", leave);
  function leave() {
    replyTo = null;
    form.context.hidden = true;
  }
  async function write(text) {
    if (!current()) throw new Error("Nobody has written yet. A client writes first, or you write to a number.");
    const quoted = replyTo;
    leave();
    choose("conversation", current().id);
    return sends(quoted ? { text, reply_to: quoted } : { text });
  }
  column.append(
    h("div", { class: "bar" }, h("h2", {}, "Kommo ", h("small", {}, "what the manager sees")),
      h("button", { type: "button", class: "plain", onclick: () => attempt(writeFirst) }, "Write first to a number…")),
    h("div", { class: "desk" }, inbox,
      h("div", { class: "conversation" }, head, talk.box, form.form), card));
  return updater({ inbox, head, talk, card, form, leave });
}

function updater({ inbox, head, talk, card, form, leave }) {
  let drawn = null;
  const seen = new Map();
  return (changed) => {
    followStory(changed);
    if (changed.has("choice")) followClient();
    const conversation = current();
    if (changed.has("bridge") && !conversation) seen.isComplete = true;
    if (conversation && (changed.has("conversations") || changed.has("choice"))) {
      seen.set(conversation.id, conversation.incoming);
      drawInbox(inbox, conversation, seen);
      seen.isComplete = true;
      drawHead(head, conversation);
      form.invite(`Answer ${conversation.name}…`);
    }
    if (!conversation && !inbox.childElementCount) sync(inbox, [EMPTY], (one) => one.id, (one) => h("li", { class: "empty" }, one.text));
    if (["conversations", "leads", "contacts", "choice"].some((name) => changed.has(name))) drawCard(card, conversation);
    const id = conversation?.id;
    const isElsewhere = drawn !== id;
    if (!id || (!isElsewhere && !changed.has(`kommo.${id}`))) return;
    if (isElsewhere) leave();
    drawn = id;
    talk.show(isElsewhere, messagesOf(id), (one) => one.id, (one) => draw(one, form));
  };
}

/** While the story is played, show whom it is about. */
let told = "";
function followStory(changed) {
  const story = record("bridge", "story");
  if (!changed.has("bridge") || !story?.is_running) return;
  if (told === `${story.client}`) return;
  const found = newestFirst().find((one) => one.client_id?.endsWith(`:${story.client}`));
  choose("client", story.client);
  choose("connection", null);
  choose("bot", null);
  if (found) {
    choose("conversation", found.id);
    told = `${story.client}`;
  }
}

function ofThePhone() {
  const { bot, owner, client } = phoneNow();
  const ending = owner ? `.${owner}:${client}` : `:${bot}:${client}`;
  return newestFirst().find((one) => one.client_id?.endsWith(ending));
}

/** Who takes another phone sees its conversation; a new client's appears once they have written. */
let phone = `${choice("connection") ?? choice("bot")} ${choice("client")}`;
function followClient() {
  const place = `${choice("connection") ?? choice("bot")} ${choice("client")}`;
  const before = phone;
  phone = place;
  if (before !== place) choose("conversation", ofThePhone()?.id ?? null);
}

/** The inbox by source, the newest first in each. */
function drawInbox(inbox, chosen, seen) {
  const bySource = grouped(newestFirst());
  const rows = [...bySource].flatMap(([source, conversations]) => [
    ...(bySource.size > 1 ? [{ id: `source ${source}`, heading: source }] : []),
    ...conversations.map((one) => rowOf(one, chosen, seen)),
  ]);
  sync(inbox, rows, (one) => one.id, (one) => (one.heading ? h("li", { class: "heading" }, one.heading) : drawRow(one)));
}

function grouped(conversations) {
  const groups = new Map();
  for (const one of conversations) groups.set(sourceOf(one), [...(groups.get(sourceOf(one)) ?? []), one]);
  return groups;
}

/** What was there when the page was opened counts as read. */
function rowOf(one, chosen, seen) {
  const before = seen.get(one.id) ?? (seen.isComplete ? 0 : one.incoming);
  seen.set(one.id, before);
  const unread = one.incoming - before;
  const { id, name, avatar: picture, last, excerpt } = one;
  return { id, name, picture, last, excerpt, unread, source: sourceOf(one), isCurrent: one.id === chosen.id };
}

function drawRow(one) {
  return h("li", {}, h("button", { type: "button", "aria-current": String(one.isCurrent), onclick: () => choose("conversation", one.id) },
    avatar(one.name, one.picture ? `/files/avatar/${one.id}` : null),
    h("span", { class: "lines" },
      h("span", { class: "line" }, h("strong", {}, one.name), h("time", {}, one.last ? clock(one.last) : "")),
      h("span", { class: "line" }, h("span", { class: "excerpt" }, one.excerpt || "Nothing yet"),
        one.unread > 0 ? h("span", { class: "badge" }, String(one.unread), h("span", { class: "gone" }, " unread")) : null),
      h("span", { class: "source" }, one.source))));
}

const sourceOf = (one) => (one.source ? `via ${one.source}` : "written first");

function drawHead(head, one) {
  refill(head,
    avatar(one.name, one.avatar ? `/files/avatar/${one.id}` : null),
    h("span", { class: "lines" }, h("strong", {}, one.name), h("small", {}, sourceOf(one))));
}

function drawCard(card, one) {
  if (!one) return refill(card);
  const lead = one.lead ? record("leads", one.lead) : null;
  const contact = one.contact ? record("contacts", one.contact) : null;
  const rows = [
    ["Lead", lead ? `#${lead.id}` : "None"],
    ["Contact", contact ? `${contact.name} (#${contact.id})` : one.contact ? `#${one.contact}` : "None"],
    ["Phone", one.phone || "Unknown"],
    ["Source", one.source || "None"],
  ];
  return refill(card,
    h("h3", {}, "Lead and contact"),
    h("dl", {}, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("button", { type: "button", class: "plain", onclick: () => attempt(invite) }, "Invite a contact…"));
}

function draw(message, form) {
  const isOwn = message.by === "manager";
  const own = (message.reactions || [])[0];
  return bubble(message, {
    isOwn,
    author: message.from,
    address: `/files/kommo/${message.id}`,
    actions: [
      action("reply", "Reply", () => {
        replyTo = message.id;
        form.show(`Reply to: ${message.text || message.kind}`);
      }),
      isOwn ? null : reactor("React", own, (emoji) => attempt(() => post(`${MANAGER}reacts`, { message: message.id, emoji }))),
    ].filter(Boolean),
  });
}

function typing() {
  if (!current() || Date.now() - typedAt < TYPING_PAUSE_MS) return;
  typedAt = Date.now();
  post(`${MANAGER}types`, { to: current().id }).catch(() => {});
}

function typeOf(file) {
  if (/^image\/(png|jpe?g|gif)$/.test(file.type)) return "picture";
  if (file.type.startsWith("video/")) return "video";
  return file.type.startsWith("audio/") ? "voice" : "file";
}

const attach = (file) => attachAs(typeOf(file), file, file.name);

async function attachAs(type, content, name) {
  const { url } = await upload(`/kommo/sandbox/attachments/${encodeURIComponent(name)}`, content);
  return sends({ type, media: url });
}

const inline = (texts) => ({ mode: "inline", buttons: texts.map((text) => [{ text }]) });

function entries() {
  return [
    { label: "Picture…", accept: "image/*", act: attach },
    { label: "File…", accept: "*", act: attach },
    { label: "A sample picture", act: async () => attachAs("picture", await samplePicture(), "hills.png") },
    ...TEMPLATES.map(({ id, name, content, buttons }) => ({
      label: `Template: ${name}`,
      act: () => sends({ text: content, template: { id, content, params: [] }, markup: buttons.length ? inline(buttons) : null }),
    })),
    { label: "Question with buttons", act: () => sends({ text: "Shall we call you back?", markup: inline(["Yes", "No"]) }) },
    { label: "List to choose from", act: () => sends({ text: LIST.body, markup: { list_message: LIST } }) },
  ];
}

async function writeFirst() {
  const told = await ask("Write first", [
    { name: "phone", label: "Phone number", value: "+4930555556", type: "tel" },
    { name: "text", label: "Text", value: "Hello, your order has arrived." },
  ], "Write");
  if (!told) return;
  const { kommo_message_id: id } = await post(`${MANAGER}writes_first`, { ...told, source: "sales", name: told.phone });
  const found = newestFirst().find((one) => group(`kommo.${one.id}`).has(id));
  if (found) choose("conversation", found.id);
}

async function invite() {
  const told = await ask("Invite a contact", [{ name: "name", label: "Name", value: "Greta Baker" }], "Make a link");
  if (!told) return;
  const { contact } = await post("/kommo/sandbox/contacts", { name: told.name, phones: [] });
  const { link } = await post(`/contacts/${contact}/invitation`);
  choose("invitation", link);
  toast(`Invitation for ${told.name}: ${link}. A client opens it from the menu of their phone.`);
}
