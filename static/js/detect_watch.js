// The page of an analysis that is open: asks once a second how far it is, until it has ended.
const FRAGMENT_HEADER = "Frameproof-Fragment";
const EVERY_MS = 1000;
const MOST_MS = 15_000;

const byId = (id) => document.getElementById(id);
const watch = byId("watch");
const steps = byId("steps");
const status = byId("status");
let wait = EVERY_MS;

async function look() {
  try {
    const response = await fetch(watch.dataset.url, { headers: { [FRAGMENT_HEADER]: "steps" }, cache: "no-store" });
    const state = response.headers.get(FRAGMENT_HEADER);
    // Ended, deleted in another tab, or signed out: the page itself says what.
    if (state === "ended" || (response.status >= 400 && response.status < 500)) return location.reload();
    if (state !== "open") throw new Error(`status ${response.status}`);
    show(await response.text());
    wait = EVERY_MS;
    byId("lost").hidden = true;
  } catch {
    wait = Math.min(MOST_MS, 2 * wait);
    byId("lost").hidden = false;
  }
  setTimeout(look, wait);
}

function show(html) {
  steps.innerHTML = html;
  const now = steps.firstElementChild.dataset.now;
  // A screen reader is told of a new stage, not of every second.
  if (status.textContent !== now) status.textContent = now;
}

setTimeout(look, EVERY_MS);
