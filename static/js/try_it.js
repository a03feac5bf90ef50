// Forms that send a request of the documentation to this very site. The key stays in its field: nothing is stored.
const key = document.getElementById("try-key");
const words = document.querySelector("[data-words]").dataset;
//: Characters of an answer that are shown.
const MOST = 20000;
const SHOWN_HEADERS = /^(ratelimit|x-ratelimit|x-whatanime|x-video|retry-after|etag|location)/;

for (const form of document.querySelectorAll("form[data-try]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
  tellWho(form);
  key.addEventListener("input", () => tellWho(form));
}

// The way in which this request says who asks: a key where there is one, else a session, else nothing.
function wayOf(form) {
  const ways = form.dataset.ways.split(" ");
  const byKey = ways.find((way) => ["apiKey", "traceKey", "token"].includes(way));
  if (byKey && key.value.trim()) return byKey;
  return ways.includes("session") ? "session" : "";
}

function tellWho(form) {
  const way = wayOf(form);
  form.querySelector("[data-try-who]").textContent =
    way === "session" ? words.session : way ? words.key : words.guest;
}

async function send(form) {
  const answer = form.querySelector("[data-try-answer]");
  const button = form.querySelector("[type=submit]");
  forget(answer);
  answer.append(element("p", words.sending));
  button.disabled = true;
  try {
    const [url, options] = await requestOf(form);
    const response = await fetch(url, options);
    await show(answer, response);
  } catch {
    forget(answer);
    answer.append(element("p", words.offline, "try-status is-bad"));
  } finally {
    button.disabled = false;
  }
}

async function requestOf(form) {
  const way = wayOf(form);
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = new Headers();
  const fields = [];
  for (const input of form.querySelectorAll("[data-in]")) {
    const { in: where, name } = input.dataset;
    const value = input.type === "file" ? input.files[0] : input.value.trim();
    if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    if (!value) continue;
    if (where === "query") query.set(name, value);
    if (where === "header") headers.set(name, value);
    if (where === "body") fields.push([name, input.dataset.kind === "base64" ? await base64(value) : value]);
  }
  if (way === "apiKey") headers.set("Authorization", `Bearer ${key.value.trim()}`);
  if (way === "traceKey") headers.set("x-trace-key", key.value.trim());
  if (way === "token") query.set("token", key.value.trim());
  const url = query.size ? `${path}?${query}` : path;
  const credentials = way === "session" ? "same-origin" : "omit";
  const options = { method: form.dataset.method, headers, credentials, cache: "no-store" };
  if (form.dataset.media) options.body = bodyOf(form.dataset.media, fields, headers);
  return [url, options];
}

function bodyOf(media, fields, headers) {
  if (media === "multipart/form-data") {
    const body = new FormData();
    for (const [name, value] of fields) body.append(name, value);
    return body;
  }
  if (media === "application/x-www-form-urlencoded") return new URLSearchParams(fields);
  headers.set("Content-Type", "application/json");
  return JSON.stringify(Object.fromEntries(fields));
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = reject;
    reader.readAsDataURL(file);
  });
}

async function show(answer, response) {
  const type = response.headers.get("Content-Type") ?? "";
  const body = await (/^(image|video)\//.test(type) ? response.blob() : response.text());
  forget(answer);
  const status = `${response.status} ${response.statusText}`.trim();
  answer.append(element("p", status, `try-status ${response.ok ? "is-good" : "is-bad"}`));
  const headers = [...response.headers].filter(([name]) => SHOWN_HEADERS.test(name));
  if (headers.length) answer.append(code(headers.map(([name, value]) => `${name}: ${value}`).join("\n")));
  if (typeof body === "string") {
    if (body) answer.append(code(readable(body)));
    if (body.length > MOST) answer.append(element("p", words.large, "hint"));
    return;
  }
  const media = document.createElement(type.startsWith("image") ? "img" : "video");
  media.src = URL.createObjectURL(body);
  if (media.tagName === "VIDEO") media.controls = true;
  else media.alt = words.picture;
  answer.append(media);
}

function readable(body) {
  let text = body;
  try {
    text = JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    // What is no JSON is shown as it came.
  }
  return text.slice(0, MOST);
}

function code(text) {
  const block = document.createElement("pre");
  block.tabIndex = 0;
  block.append(element("code", text));
  return block;
}

function element(name, text, classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = classes;
  return made;
}

function forget(answer) {
  for (const media of answer.querySelectorAll("img, video")) URL.revokeObjectURL(media.src);
  answer.replaceChildren();
}
