// The page: a client's phone, the bridge, and Kommo, side by side.

import { drawBridge } from "./bridge.js";
import { drawKommo } from "./kommo.js";
import { follow, watch } from "./store.js";
import { drawTelegram } from "./telegram.js";

const sides = [
  drawTelegram(document.getElementById("client-side")),
  drawBridge(document.getElementById("bridge-side")),
  drawKommo(document.getElementById("manager-side")),
];
watch((changed) => {
  sides.forEach((update) => apart(() => update(changed)));
  performance.mark("shown");
});

/** What goes wrong on one side leaves the others as they are. */
function apart(work) {
  try {
    work();
  } catch (error) {
    reportError(error);
  }
}

const connection = document.getElementById("connection");
follow((isOpen) => {
  connection.textContent = isOpen ? "" : "The demo has stopped. Start it again with: make demo";
  document.body.classList.toggle("offline", !isOpen);
});
