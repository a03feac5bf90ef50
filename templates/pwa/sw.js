// Shows a page of the site's own where a page cannot be reached, and does nothing else: what is kept is that page and
// what it is drawn with, never anything that a visitor has seen. Whatever is posted goes its way without this worker,
// so that it arrives with the marks of whoever sent it (see pwa/shared.py).
const OFFLINE = {{ offline|safe }};
const KEPT = {{ kept|safe }};
const SHELF = {{ shelf|safe }};

addEventListener("install", (event) => event.waitUntil(keep().then(() => skipWaiting())));
addEventListener("activate", (event) => event.waitUntil(forgetOthers().then(() => clients.claim())));

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(open(event));
  else if (KEPT.includes(new URL(request.url).pathname)) event.respondWith(fetch(request).catch(() => caches.match(request)));
});

async function open(event) {
  try {
    const response = await fetch(event.request);
    event.waitUntil(followLanguage(response.headers.get("Content-Language")));
    return response;
  } catch {
    return (await caches.match(OFFLINE)) ?? Response.error();
  }
}

async function keep() {
  const shelf = await caches.open(SHELF);
  await shelf.addAll([OFFLINE, ...KEPT].map((address) => new Request(address, { cache: "reload" })));
}

/** The page is kept in the language that was read last. */
async function followLanguage(language) {
  const kept = await caches.match(OFFLINE);
  if (!language || kept?.headers.get("Content-Language") === language) return;
  try {
    await (await caches.open(SHELF)).add(new Request(OFFLINE, { cache: "reload" }));
  } catch {
    // The next page tries again.
  }
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name !== SHELF) await caches.delete(name);
}
