// What the servers have, as this browser knows it: records in groups, kept up to date by a stream.

const groups = new Map();
const watchers = new Set();
const touched = new Set();
let isWaiting = false;

/** Return a group's records, by their ids. */
export function group(name) {
  return groups.get(name) || new Map();
}

/** Return one record. */
export function record(name, id) {
  return group(name).get(String(id));
}

/** Call back, before the next picture, with the names of the groups that changed. */
export function watch(callback) {
  watchers.add(callback);
}

/** Say that something that is not a record changed: what is chosen, for example. */
export function refresh(name) {
  touched.add(name);
  schedule();
}

const AGAIN_MS = 2000;

/**
 * Follow the stream; it comes back by itself.
 *
 * A tab that nobody looks at lets go of it: a browser has only six connections for one address.
 */
export function follow(tellConnection) {
  let source = null;
  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource("/events");
    source.onopen = () => tellConnection(true);
    source.onmessage = (event) => take(JSON.parse(event.data));
    source.onerror = () => {
      tellConnection(false);
      if (source?.readyState === EventSource.CLOSED) setTimeout(look, AGAIN_MS);
    };
  };
  const look = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", look);
  look();
}

function take(told) {
  if (told.all) replaceAll(told.all);
  for (const [key, content] of Object.entries(told.set || {})) put(key, content);
  for (const key of told.gone || []) remove(key);
  schedule();
}

/** Take over everything; what is known already stays the same object, and is not drawn again. */
function replaceAll(records) {
  for (const [name, known] of groups) {
    for (const id of known.keys()) if (!(`${name}/${id}` in records)) remove(`${name}/${id}`);
  }
  for (const [key, content] of Object.entries(records)) if (!isKnown(key, content)) put(key, content);
}

function isKnown(key, content) {
  const known = groups.get(split(key)[0])?.get(split(key)[1]);
  return known !== undefined && JSON.stringify(known) === JSON.stringify(content);
}

function split(key) {
  const at = key.lastIndexOf("/");
  return [key.slice(0, at), key.slice(at + 1)];
}

function put(key, content) {
  const [name, id] = split(key);
  if (!groups.has(name)) groups.set(name, new Map());
  groups.get(name).set(id, content);
  touched.add(name);
}

function remove(key) {
  const [name, id] = split(key);
  groups.get(name)?.delete(id);
  touched.add(name);
}

const LONGEST_MS = 150;

/** Draw with the next picture, or soon: a browser that is busy or behind others may make none. */
function schedule() {
  if (isWaiting) return;
  isWaiting = true;
  const flush = () => {
    if (!isWaiting) return;
    isWaiting = false;
    clearTimeout(timer);
    const changed = new Set(touched);
    touched.clear();
    for (const callback of watchers) callback(changed);
  };
  const timer = setTimeout(flush, LONGEST_MS);
  requestAnimationFrame(flush);
}

const CHOSEN = "kommo-telegram-sandbox";
const chosen = JSON.parse(sessionStorage.getItem(CHOSEN) || "{}");

/** Return what is chosen: a client, a bot, a conversation. It outlives a reload. */
export function choice(name) {
  return chosen[name];
}

/** Choose something. */
export function choose(name, value) {
  if (chosen[name] === value) return;
  chosen[name] = value;
  sessionStorage.setItem(CHOSEN, JSON.stringify(chosen));
  refresh("choice");
}
