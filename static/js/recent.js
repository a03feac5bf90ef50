// The page "Recent searches": asks for the list now and then, and puts what is new into it. The list comes as HTML,
// from the template that also serves a browser without scripts.
const FRAGMENT_HEADER = "Frameproof-Fragment";
const EVERY_MS = 15_000;
const SLOWEST_MS = 5 * 60_000;
const MOST_WAIT_MS = 10_000;

const byId = (id) => document.getElementById(id);
const text = byId("live").dataset;
const button = byId("pause");
const searches = byId("searches");

let isPaused = false;
let failures = 0;
let timer = 0;

/** Those that are there keep their pictures, whose addresses are others each time, and what was done to them. */
function merge(html) {
  const focused = document.activeElement;
  const template = document.createElement("template");
  template.innerHTML = html;
  const known = new Map([...searches.querySelectorAll("[data-key]")].map((item) => [item.dataset.key, item]));
  let hasNew = false;
  for (const item of template.content.querySelectorAll("[data-key]")) {
    const old = known.get(item.dataset.key);
    if (!old) {
      item.classList.add("is-new");
      hasNew = true;
      continue;
    }
    old.querySelector("time").replaceWith(item.querySelector("time"));
    old.classList.remove("is-new");
    item.replaceWith(old);
  }
  searches.replaceChildren(template.content);
  // What had the focus was moved, which takes the focus from it.
  if (searches.contains(focused)) focused.focus({ preventScroll: true });
  byId("news").textContent = hasNew ? text.textNew : "";
}

async function look() {
  if (!isPaused && !document.hidden) {
    try {
      const response = await fetch(location.href, {
        headers: { [FRAGMENT_HEADER]: "searches" },
        signal: AbortSignal.timeout(MOST_WAIT_MS),
      });
      if (!response.ok || !response.headers.get(FRAGMENT_HEADER)) throw new Error(String(response.status));
      const html = await response.text();
      failures = 0;
      if (!isPaused) merge(html);
    } catch {
      failures += 1;
    }
    say();
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (!isPaused) timer = setTimeout(look, Math.min(SLOWEST_MS, EVERY_MS * 2 ** failures));
}

function say() {
  const words = isPaused ? text.textPaused : failures ? text.textLost : text.textLive;
  if (byId("live-text").textContent !== words) byId("live-text").textContent = words;
}

button.addEventListener("click", () => {
  isPaused = !isPaused;
  button.textContent = isPaused ? text.textResume : text.textPause;
  clearTimeout(timer);
  say();
  if (!isPaused) look();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden || isPaused) return;
  clearTimeout(timer);
  look();
});

plan();
