// A conversation as a list that follows its newest message; of a long one only what is near is there.

import { h, sync } from "./dom.js";

const WHOLE = 120;
const AROUND_PX = 900;
const GUESS_PX = 64;
const END_PX = 80;

/**
 * Make the list; returns its element, and what shows messages in it.
 *
 * Up to WHOLE messages all are in the document. Of more, those in sight and AROUND_PX beside them
 * are: padding stands for the others, with their height as measured or guessed.
 */
export function log(label) {
  const list = h("ol", { class: "messages" });
  const box = h("div", { class: "log", role: "log", "aria-label": label, tabindex: "0" }, list);
  const view = { messages: [], heights: new Map(), isAtEnd: true, isWaiting: false };
  const redraw = () => {
    view.isWaiting = false;
    draw(box, list, view);
  };
  const later = () => {
    if (view.isWaiting || !view.messages.length) return;
    view.isWaiting = true;
    requestAnimationFrame(redraw);
  };
  box.addEventListener("scroll", () => {
    if (isUnchanged(box, view)) view.isAtEnd = isNearEnd(box);  // else a picture came, and nobody scrolled
    if (isLong(view)) later();
  }, { passive: true });
  const leave = () => { view.isAtEnd = false; };  // who means to go up does, whatever grows meanwhile
  // the browser's own way to an end is a long scroll, which each redraw on the way would cut short
  const jump = (isAtEnd) => {
    view.isAtEnd = isAtEnd;
    box.scrollTop = isAtEnd ? box.scrollHeight : 0;
    later();
  };
  box.addEventListener("keydown", (event) => {
    if (UP.has(event.key)) leave();
    if (event.target !== box || !ENDS.has(event.key)) return;
    event.preventDefault();
    jump(event.key === "End");
  });
  box.addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0) leave(); }, { passive: true });
  const sizes = new ResizeObserver(later);
  sizes.observe(list);
  sizes.observe(box);
  const show = (isNew, messages, keyOf, build) => {
    if (isNew) Object.assign(view, { isAtEnd: true, heights: new Map() });
    Object.assign(view, { messages, keyOf, build });
    announce(box, !isNew && view.isAtEnd);
    draw(box, list, view);
    setTimeout(() => announce(box, view.isAtEnd));
  };
  return { box, show };
}

const UP = new Set(["Home", "PageUp", "ArrowUp"]);
const ENDS = new Set(["Home", "End"]);
const isNearEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < END_PX;
/** Tell whether it is as large as when it was drawn: where it stands is where somebody put it. */
const isUnchanged = (box, view) => box.scrollHeight === view.height && box.clientHeight === view.room;
const isLong = (view) => view.messages.length > WHOLE;

/** New messages are read out; what is drawn because somebody scrolls, or opens it, is not. */
function announce(box, isOn) {
  box.setAttribute("aria-live", isOn ? "polite" : "off");
}

function draw(box, list, view) {
  const { messages, keyOf, build } = view;
  if (isUnchanged(box, view)) view.isAtEnd = isNearEnd(box);
  const kept = view.isAtEnd ? null : anchor(box, list);
  const [from, to] = isLong(view) ? near(box, view) : [0, messages.length];
  if (list.contains(document.activeElement)) keepFocus(box, list, new Set(messages.slice(from, to).map(keyOf)));
  sync(list, messages.slice(from, to), keyOf, build);
  if (isLong(view)) measure(list, view, from);
  const tops = isLong(view) ? offsets(view) : null;
  list.style.paddingTop = tops ? `${tops[from]}px` : "";
  list.style.paddingBottom = tops ? `${tops.at(-1) - tops[to]}px` : "";
  if (view.isAtEnd) box.scrollTop = box.scrollHeight;
  else if (kept?.node.isConnected) box.scrollTop = kept.node.offsetTop - kept.below;
  Object.assign(view, { height: box.scrollHeight, room: box.clientHeight });
}

/** Return where each message begins, and where the last one ends. */
function offsets({ messages, keyOf, heights }) {
  const known = [...heights.values()];
  const usual = known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : GUESS_PX;
  const tops = [0];
  for (const one of messages) tops.push(tops.at(-1) + (heights.get(keyOf(one)) ?? usual));
  return tops;
}

/** Return the first message to draw, and the one behind the last. */
function near(box, view) {
  const tops = offsets(view);
  const top = view.isAtEnd ? tops.at(-1) - box.clientHeight : box.scrollTop;
  const from = tops.findIndex((at) => at > top - AROUND_PX) - 1;
  const behind = tops.findIndex((at) => at > top + box.clientHeight + AROUND_PX);
  const to = behind < 0 ? view.messages.length : behind;
  return [Math.max(Math.min(from, to - 1), 0), to];
}

function measure(list, view, from) {
  const gap = parseFloat(getComputedStyle(list).rowGap) || 0;
  [...list.children].forEach((node, index) => {
    view.heights.set(view.keyOf(view.messages[from + index]), node.offsetHeight + gap);
    node.setAttribute("aria-posinset", from + index + 1);
    node.setAttribute("aria-setsize", view.messages.length);
  });
}

/** Return the message at the upper edge, and where it stands: it is not to move. */
function anchor(box, list) {
  const node = [...list.children].find((one) => one.offsetTop + one.offsetHeight > box.scrollTop);
  const isSeen = node && node.offsetTop < box.scrollTop + box.clientHeight;
  return isSeen ? { node, below: node.offsetTop - box.scrollTop } : null;
}

/** Whose message goes out of the document goes on from the list. */
function keepFocus(box, list, keys) {
  const [key] = [...list.known].find(([, entry]) => entry.node.contains(document.activeElement)) ?? [];
  if (key !== undefined && !keys.has(key)) box.focus({ preventScroll: true });
}
