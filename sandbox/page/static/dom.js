// Small helpers for building the page.

/** Make an element: h("button", {class: "x", onclick: f}, "text", child, …). */
export function h(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key in element && typeof value !== "string") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  attach: "M16.5 6.5v9a4.5 4.5 0 0 1-9 0v-10a3 3 0 0 1 6 0v9a1.5 1.5 0 0 1-3 0v-8",
  send: "M4 12 20 4l-4 16-4-7-8-1z",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  reply: "M10 8 5 12l5 4M5 12h9a5 5 0 0 1 5 5v1",
  edit: "M5 19h3L18.5 8.5a2 2 0 0 0-3-3L5 16v3z",
  react: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM9 10h.01M15 10h.01M8.5 14a4 4 0 0 0 7 0",
  sent: "M5 12.5l4 4L18 8",
  done: "M2 12.5l4 4L15 8M10 15.5l1 1L20 8",
  error: "M12 7v6M12 17h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  place: "M12 21s7-6.2 7-11a7 7 0 0 0-14 0c0 4.8 7 11 7 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21a8 8 0 0 1 16 0",
};

/** Make an icon that says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Send JSON; answers JSON, or throws with the server's words. */
export async function post(address, content = {}) {
  return answerOf(await fetch(address, { method: "POST", body: JSON.stringify(content) }));
}

/** Send a file as it is. */
export async function upload(address, file) {
  return answerOf(await fetch(address, { method: "POST", body: file }));
}

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || `the sandbox answered ${response.status}`);
  return answer;
}

let hiding;

/** Say what went wrong, for some seconds. */
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { box.hidden = true; }, 6000);
}

/** Run something a person asked for; show why it did not work. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    toast(String(error.message || error));
    return null;
  }
}

/** Bring a list's children in line with items, touching only what is different. */
export function sync(list, items, keyOf, build) {
  const known = list.known || (list.known = new Map());
  const held = [...known].find(([, entry]) => entry.node.contains(document.activeElement));
  const place = held ? focusIn(held[1].node) : -1;
  const kept = new Set(items.map(keyOf));
  for (const [key, entry] of known) {
    if (kept.has(key)) continue;
    entry.node.remove();
    known.delete(key);
  }
  let next = list.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let entry = known.get(key);
    if (!entry || !isSame(entry.item, item)) {
      const node = build(item);
      if (entry) {
        if (next === entry.node) next = node;
        replace(entry.node, node);
      }
      entry = { item, node };
      known.set(key, entry);
    }
    if (entry.node === next) next = next.nextElementSibling;
    else list.insertBefore(entry.node, next);
  }
  if (held && focusIn(known.get(held[0])?.node) < 0) focusAgain(known.get(held[0])?.node, place);
}

const isSame = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/** Fill an element anew, unless it looks the same. */
export function refill(element, ...children) {
  const fresh = h("div", {}, ...children);
  const [old, made] = [[...element.children], [...fresh.children]];
  if (old.length === made.length && old.every((one, index) => one.isEqualNode(made[index]))) return;
  const focused = old.map(focusIn);
  element.replaceChildren(...made);
  focused.forEach((place, index) => focusAgain(made[index], place));
}

/** Put what was drawn anew in the place of the old; a menu that is open stays open. */
function replace(old, made) {
  const menus = made.querySelectorAll("details");
  old.querySelectorAll("details").forEach(({ open }, index) => {
    if (!open || !menus[index]) return;
    menus[index].open = true;
    menus[index].dispatchEvent(new Event("toggle"));
  });
  old.replaceWith(made);
}

const stops = (node) => [node, ...node.querySelectorAll("button, summary, a, input, select, audio, video")];
const focusIn = (node) => (node?.contains(document.activeElement) ? stops(node).indexOf(document.activeElement) : -1);

/** Whoever uses the keyboard stays where they were, when that is drawn anew. */
function focusAgain(node, place) {
  if (node && place >= 0) (stops(node)[place] ?? stops(node).at(-1)).focus({ preventScroll: true });
}

const CLOCKS = [undefined, "2-digit"].map((second) =>
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second, hourCycle: "h23" }));

/** Tell a moment of today. */
export function clock(milliseconds, withSeconds = false) {
  return CLOCKS[Number(withSeconds)].format(milliseconds);
}

/** Tell a size as people do. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

const HUES = 6;

/** Make the round picture of somebody: their own, or their initial. */
export function avatar(name, source) {
  const hue = [...name].reduce((sum, char) => sum + char.codePointAt(0), 0) % HUES;
  if (source) return h("img", { class: "avatar", src: source, alt: "" });
  return h("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, [...name][0] || "?");
}

/** Ask for something in a dialog; answers the values by name, or null when it was closed. */
export function ask(title, fields, confirm = "OK") {
  return new Promise((resolve) => {
    const rows = fields.map(({ name, label, value = "", type = "text" }) => h("p", { class: "field" },
      h("label", { for: `ask-${name}` }, label), h("input", { id: `ask-${name}`, name, type, value, required: true })));
    const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" },
      h("form", { onsubmit: (event) => {
        event.preventDefault();
        resolve(Object.fromEntries(new FormData(event.target)));
        dialog.close();
      } },
      h("h2", { id: "ask-title" }, title), ...rows,
      h("p", { class: "row end" },
        h("button", { type: "button", class: "plain", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "submit", class: "wide accent" }, confirm))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
