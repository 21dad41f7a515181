// Messages as bubbles, the same on both sides.

import { clock, h, icon, size } from "./dom.js";

const TICKS = { Sent: "sent", Delivered: "done", Read: "done", Error: "error" };
const MEDIA = { voice: "audio", audio: "audio", video: "video", video_note: "video", animation: "video" };
const LONG = 600;
const PICTURES = new Set(["photo", "picture", "sticker"]);

/**
 * Draw one message.
 *
 * @param message the record
 * @param options isOwn: whether it stands on the right; author: who wrote it; address: where its
 *   file is; actions: buttons for it; press: what its buttons do
 */
export function bubble(message, { isOwn, author, address, actions = [], press }) {
  const status = message.status ? statusOf(message) : null;
  return h("li", { class: `message ${isOwn ? "own" : "other"} kind-${message.kind}` },
    h("div", { class: "bubble" },
      h("span", { class: "gone" }, `${author}: `),
      message.reply ? h("blockquote", {}, message.reply) : null,
      contentOf(message, address),
      ...textOf(message.text),
      h("p", { class: "meta" },
        message.edited ? h("span", {}, "edited") : null,
        h("time", { datetime: new Date(message.at).toISOString() }, clock(message.at)),
        status),
      reactionsOf(message)),
    keyboardOf(message, press),
    actions.length ? h("div", { class: "actions" }, ...actions) : null);
}

/** A text; of a long one the beginning, until somebody wants all of it. */
function textOf(text) {
  if (!text) return [];
  const words = h("p", { class: "text", dir: "auto" }, text);
  if (text.length <= LONG) return [words];
  words.classList.add("cut");
  const more = h("button", { type: "button", class: "plain", "aria-expanded": "false", onclick: () => {
    const isCut = words.classList.toggle("cut");
    more.textContent = isCut ? "Show all" : "Show less";
    more.setAttribute("aria-expanded", String(!isCut));
  } }, "Show all");
  return [words, more];
}

function statusOf(message) {
  const isError = message.status === "Error";
  const text = isError ? `Error: ${message.error}` : message.status;
  return h("span", { class: `status is-${message.status.toLowerCase()}`, title: text },
    icon(TICKS[message.status]), text);
}

function contentOf(message, address) {
  if (message.place) return placeOf(message.place);
  if (message.contact) return contactOf(message.contact);
  if (!message.file) return null;
  const { name, ready } = message.file;
  if (ready === false) return h("p", { class: "loading" }, `Fetching ${name}…`);
  if (PICTURES.has(message.kind)) {
    return h("img", { class: "picture", src: address, alt: message.text || `A ${message.kind}`, loading: "lazy", onerror: asFile });
  }
  if (message.kind in MEDIA) {
    return h(MEDIA[message.kind], { class: "player", src: address, controls: true, preload: "metadata", "aria-label": `Play ${name}` });
  }
  return fileOf(address, name, message.file.size);
}

function asFile(event) {
  event.target.replaceWith(h("p", { class: "loading" }, "A picture that this browser cannot show"));
}

function fileOf(address, name, bytes) {
  return h("a", { class: "file", href: address, download: name },
    icon("file"), h("span", {}, name), bytes ? h("small", {}, size(bytes)) : null);
}

function placeOf(place) {
  const latitude = place.latitude ?? place.lat;
  const longitude = place.longitude ?? place.lon;
  return h("p", { class: "file" }, icon("place"),
    h("span", {}, `${Number(latitude).toFixed(4)}, ${Number(longitude).toFixed(4)}`));
}

function contactOf(contact) {
  const name = contact.first_name ?? contact.name;
  const phone = contact.phone_number ?? contact.phone;
  return h("p", { class: "file" }, icon("person"), h("span", {}, name), h("small", {}, phone));
}

function reactionsOf(message) {
  const all = [message.reaction, message.own_reaction, ...(message.reactions || [])].filter(Boolean);
  return all.length ? h("p", { class: "reactions" }, h("span", { class: "gone" }, "Reactions: "), all.join(" ")) : null;
}

function keyboardOf(message, press) {
  const keyboard = message.keyboard || {};
  const rows = keyboard.inline_keyboard || keyboard.keyboard || (message.buttons || []).map((text) => [{ text }]);
  if (!rows.length) return null;
  return h("div", { class: "keyboard" },
    ...rows.map((row) => h("div", {}, ...row.map((button) => press
      ? h("button", { type: "button", class: "choice", onclick: () => press(button) }, button.text)
      : h("span", { class: "choice" }, button.text)))));
}

/** Make the small button that does something with a message. */
export function action(name, label, onclick) {
  return h("button", { type: "button", class: "round small", "aria-label": label, title: label, onclick }, icon(name));
}

const EMOJI = ["👍", "❤️", "🔥", "😁", "🤔", "👎"];

/** Make the button that lets somebody react; its choice is made when it is opened. */
export function reactor(label, current, react) {
  const sheet = h("div", { class: "sheet row" });
  const details = h("details", { class: "menu reactor" },
    h("summary", { class: "round small", "aria-label": label, title: label }, icon("react")), sheet);
  const pick = (emoji) => {
    details.open = false;
    react(current === emoji ? null : emoji);
  };
  details.addEventListener("toggle", () => sheet.replaceChildren(...EMOJI.map((emoji) =>
    h("button", { type: "button", class: "emoji", "aria-pressed": String(current === emoji), onclick: () => pick(emoji) }, emoji))));
  return details;
}
