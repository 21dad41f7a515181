// What both sides write with: a text box, a menu of things to send, files by drag and drop.

import { attempt, h, icon } from "./dom.js";

/**
 * Make the form below a conversation.
 *
 * @param options send(text); typing(); entries: the menu; drop(file): a file was dropped
 * @returns its element, the box, and what shows the quoted or changed message
 */
export function composer(side, { send, typing, entries, drop, column }) {
  const box = h("textarea", { id: `${side}-text`, rows: "1", dir: "auto", placeholder: "Write…" });
  const context = h("p", { class: "context", hidden: true });
  const submit = async () => {
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    grow();
    if (await attempt(() => send(text)) === null) box.value = box.value || text;
  };
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 140)}px`;
  };
  box.addEventListener("input", () => { grow(); typing?.(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
    if (event.key === "Escape") form.dispatchEvent(new CustomEvent("leave"));
  });
  const form = h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); submit(); } },
    context,
    menu("Attach", "attach", entries),
    h("label", { class: "gone", for: `${side}-text` }, "Message"),
    box,
    h("button", { type: "submit", class: "round primary", "aria-label": "Send", title: "Send" }, icon("send")));
  acceptDrops(column, drop);
  const leave = () => form.dispatchEvent(new CustomEvent("leave"));
  const show = (text) => {
    context.hidden = false;
    context.replaceChildren(h("span", {}, text), " ", h("button", { type: "button", class: "plain", onclick: leave }, "Cancel"));
    box.focus();
  };
  const invite = (text) => { if (box.placeholder !== text) box.placeholder = text; };
  return { form, box, context, grow, show, invite };
}

/** Make a menu that opens upwards: its entries are [label, action], or [label, null, accept] for files. */
export function menu(label, symbol, entries) {
  const details = h("details", { class: "menu" },
    h("summary", { class: "round", "aria-label": label, title: label }, icon(symbol)),
    h("div", { class: "sheet" }, ...entries.map((entry) => entryOf(entry, () => { details.open = false; }))));
  const offer = () => {
    const rows = details.querySelector(".sheet").children;
    entries.forEach(({ isOffered }, index) => { rows[index].hidden = Boolean(isOffered) && !isOffered(); });
  };
  offer();
  details.addEventListener("toggle", offer);
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  details.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !details.contains(event.relatedTarget)) details.open = false;
  });
  return details;
}

function entryOf({ label, act, accept }, close) {
  if (!accept) {
    return h("button", { type: "button", onclick: () => { close(); attempt(act); } }, label);
  }
  const input = h("input", { type: "file", accept: accept === "*" ? undefined : accept, class: "gone", tabindex: "-1", "aria-label": label });
  input.addEventListener("change", () => {
    close();
    for (const file of input.files) attempt(() => act(file));
    input.value = "";
  });
  return h("span", {}, h("button", { type: "button", onclick: () => input.click() }, label), input);
}

function acceptDrops(column, drop) {
  column.addEventListener("dragover", (event) => {
    event.preventDefault();
    column.classList.add("dropping");
  });
  for (const name of ["dragleave", "drop"]) column.addEventListener(name, () => column.classList.remove("dropping"));
  column.addEventListener("drop", (event) => {
    event.preventDefault();
    for (const file of event.dataTransfer.files) attempt(() => drop(file));
  });
}

/** Draw a picture, for whoever has none at hand. */
export function samplePicture(type = "image/png", emoji = "") {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = emoji ? [256, 256] : [480, 320];
  const pen = canvas.getContext("2d");
  if (emoji) {
    pen.font = "200px serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(emoji, 128, 140);
  } else drawHills(pen);
  return new Promise((resolve) => { canvas.toBlob(resolve, type); });
}

function drawHills(pen) {
  const sky = pen.createLinearGradient(0, 0, 0, 320);
  sky.addColorStop(0, "#8ec5fc");
  sky.addColorStop(1, "#fde2c8");
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 480, 320);
  pen.fillStyle = "#fff3b0";
  pen.beginPath();
  pen.arc(90 + Math.random() * 300, 90, 36, 0, 7);
  pen.fill();
  ["#7fb08a", "#4f8a6b", "#2f6651"].forEach((colour, row) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(0, 320);
    for (let x = 0; x <= 480; x += 8) pen.lineTo(x, 190 + row * 38 + Math.sin(x / (70 - row * 14) + row * 2) * 26);
    pen.lineTo(480, 320);
    pen.fill();
  });
}

/** Make a second of sound, as a WAV file. */
export function sampleSound() {
  const rate = 8000;
  const view = new DataView(new ArrayBuffer(44 + rate));
  const words = (at, text) => [...text].forEach((char, index) => view.setUint8(at + index, char.charCodeAt(0)));
  words(0, "RIFF");
  view.setUint32(4, 36 + rate, true);
  words(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  words(36, "data");
  view.setUint32(40, rate, true);
  for (let at = 0; at < rate; at += 1) {
    const tone = [440, 554, 659][Math.floor(at / (rate / 3))] ?? 659;
    view.setUint8(44 + at, 128 + 60 * Math.sin((2 * Math.PI * tone * at) / rate));
  }
  return new Blob([view.buffer], { type: "audio/wav" });
}
