// The bridge: how it is, what can be broken, and each message's way.

import { attempt, clock, h, post, sync } from "./dom.js";
import { group, record } from "./store.js";

const SWITCHES = [
  ["telegram_down", "Telegram is down"],
  ["kommo_down", "Kommo is down"],
  ["slow", "Both answer slowly"],
  ["too_many", "Too many requests (429)"],
  ["no_webhooks", "No webhooks arrive"],
];
const COUNTERS = [["lost", "Lost"], ["doubled", "Doubled"], ["out_of_order", "Out of order"]];
const STATES = { running: "Running", starting: "Starting…", stopped: "Not running" };
const STEPS = [["written", "Written"], ["stored", "Stored"], ["sent", "Arrived"], ["confirmed", "Confirmed"]];

/** Fill the column; returns what updates it. */
export function drawBridge(column) {
  const state = h("p", { class: "state", role: "status" });
  const problems = h("ul", { class: "problems" });
  const counters = COUNTERS.map(([name, label]) => {
    const output = h("output", { id: `count-${name}` }, "0");
    return { name, output, box: h("p", { class: "counter" }, output, h("label", { for: `count-${name}` }, label)) };
  });
  const rest = h("p", { class: "dim" });
  const switches = SWITCHES.map(([name, label]) => {
    const input = h("input", { type: "checkbox", role: "switch", id: `switch-${name}`,
      onchange: (event) => attempt(() => post("/switches", { name, is_on: event.target.checked })) });
    return { name, input, box: h("p", { class: "switch" }, h("label", { for: `switch-${name}` }, label), input) };
  });
  const kill = button("Kill the bridge", "danger", "/bridge/kill");
  const start = button("Start the bridge", "", "/bridge/start");
  const play = button("Play the story", "primary", "/bridge/story");
  const line = h("p", { class: "story dim", "aria-live": "polite" });
  const ways = h("ol", { class: "ways", "aria-label": "Latest messages", tabindex: "0" });
  column.append(
    h("div", { class: "bar" }, h("h2", {}, "The bridge"), state),
    h("div", { class: "panel" }, h("div", { class: "counters" }, ...counters.map((one) => one.box)), rest),
    h("div", { class: "panel" }, h("div", { class: "row" }, play, kill, start), line, problems),
    h("fieldset", { class: "panel" }, h("legend", {}, "Break something"), ...switches.map((one) => one.box)),
    h("div", { class: "panel tall" }, h("h3", {}, "Each message's way"), ways));
  return (changed) => {
    if (changed.has("bridge")) {
      drawState({ state, problems, kill, start, play, line });
      drawCount(counters, rest);
      for (const { name, input } of switches) input.checked = Boolean(record("bridge", "switches")?.[name]);
    }
    if (changed.has("ways")) {
      const latest = [...group("ways").values()].sort((one, other) => other.at - one.at);
      sync(ways, latest, (one) => one.name, drawWay);
    }
  };
}

function button(label, kind, address) {
  return h("button", { type: "button", class: `wide ${kind}`, onclick: () => attempt(() => post(address)) }, label);
}

function drawState({ state, problems, kill, start, play, line }) {
  const now = record("bridge", "state");
  const story = record("bridge", "story");
  if (!now || !story) return;
  const isTroubled = now.state === "running" && now.problems.length > 0;
  state.textContent = isTroubled ? "Running, with a problem" : STATES[now.state];
  state.dataset.state = isTroubled ? "troubled" : now.state;
  problems.replaceChildren(...(now.state === "running" ? now.problems : []).map((text) => h("li", {}, text)));
  kill.disabled = now.state === "stopped";
  start.disabled = now.state !== "stopped";
  play.disabled = story.is_running;
  if (line.textContent !== story.line) line.textContent = story.line;
}

function drawCount(counters, rest) {
  const count = record("bridge", "count");
  const now = record("bridge", "state");
  if (!count || !now) return;
  for (const { name, output, box } of counters) {
    if (output.textContent !== String(count[name])) output.textContent = count[name];
    box.classList.toggle("bad", count[name] > 0);
  }
  const waits = now.pending.incoming + now.pending.outgoing;
  const parts = [`${count.crossed} crossed`, `${count.waiting} on their way`, `${waits} in the queues`];
  if (count.untold) parts.push(`${count.untold} without a webhook: the bridge asks Kommo within 5 minutes`);
  if (now.dead) parts.push(`${now.dead} given up`);
  rest.textContent = parts.join(" · ");
}

function drawWay(one) {
  const isIncoming = one.direction === "incoming";
  const steps = STEPS.map(([name, label]) => {
    const at = one[name];
    const after = at && name !== "written" ? `+${delay(at - one.written)}` : at ? clock(at, true) : "";
    return h("li", { class: at ? "done" : "" }, h("span", {}, label), h("small", {}, after || "…"));
  });
  return h("li", { class: `way ${one.direction}` },
    h("p", { class: "line" }, h("span", { class: "arrow" }, isIncoming ? "Telegram → Kommo" : "Telegram ← Kommo"),
      one.tries > 1 ? h("small", {}, `${one.tries} tries`) : null),
    h("p", { class: "excerpt" }, h("strong", {}, one.who), ` ${one.text}`),
    h("ol", { class: "steps" }, ...steps),
    one.status ? h("p", { class: "trouble" }, "Refused: the manager reads why") : null,
    one.trouble ? h("p", { class: "trouble" }, one.trouble) : null);
}

function delay(milliseconds) {
  const known = Math.max(milliseconds, 0);
  return known < 10000 ? `${(known / 1000).toFixed(2)} s` : `${Math.round(known / 1000)} s`;
}
