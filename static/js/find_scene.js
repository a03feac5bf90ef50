// The page "Find a scene": pick, drop or paste a picture or a clip, and put the server's results into the page.
// The results come as HTML: the same template serves this script and a browser without scripts.
const FRAGMENT_HEADER = "Frameproof-Fragment";
/** What the server decodes by itself; anything else is redrawn here, if this browser knows the format. */
const KNOWN_TYPES = new Set(["image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp"]);
/** Larger files are redrawn before they are sent: the search looks at no more detail than that. */
const REDRAW_BYTES = 1.5 * 1024 * 1024;
const REDRAW_SIDE = 1280;
/** Longer than every deadline of the server. */
const MOST_WAIT_MS = 60_000;

const byId = (id) => document.getElementById(id);
const form = byId("ask");
const text = form.dataset;
const finder = byId("finder");
const drop = byId("drop");
const picture = byId("picture");
const photo = byId("photo");
const url = byId("url");
const results = byId("results");
const busy = byId("busy");
const busyText = byId("busy-text");
const progress = byId("progress");
const status = byId("status");

let running = null;
let chosen = null;
const firstTitle = document.title;

// --- what is asked -------------------------------------------------------------------------------------------

/** Show a picture or a clip at once, before anything is sent; no address takes the last one away. */
function showPicture(address, isVideo = false) {
  const last = byId("preview");
  if (last?.src.startsWith("blob:")) URL.revokeObjectURL(last.src);
  last?.remove();
  byId("drop-title").textContent = address ? text.textOther : text.textFirst;
  if (!address) return;
  const preview = document.createElement(isVideo ? "video" : "img");
  preview.id = "preview";
  preview.className = "drop-preview";
  if (isVideo) {
    preview.ariaLabel = text.textAsked;
    preview.muted = preview.loop = preview.playsInline = true;
    preview.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  } else {
    preview.alt = text.textAsked;
  }
  // What is no picture has no preview; the server says what is wrong with it.
  preview.onerror = () => showPicture("");
  preview.src = address;
  drop.append(preview);
}

function choose(file) {
  chosen = file;
  url.value = "";
  showPicture(URL.createObjectURL(file), file.type.startsWith("video/"));
  search();
}

function chooseUrl(address) {
  chosen = null;
  picture.value = photo.value = "";
  url.value = address;
  showPicture("");
  search();
}

/** A picture or a clip among what was dropped or pasted, else an address, else nothing. */
function take(data) {
  const files = [...data.files];
  const file = files.find((one) => /^(image|video)\//.test(one.type)) ?? files[0];
  if (file) return choose(file);
  const address = (data.getData("text/uri-list") || data.getData("text/plain"))
    .split("\n")
    .map((line) => line.trim())
    .find((line) => /^https?:\/\/\S+$/i.test(line));
  if (address) return chooseUrl(address);
  return showProblem("no-picture");
}

/** Whether a file moves, by what is in it before its first picture: redrawing would leave one frame of it. */
async function isAnimated(file) {
  if (file.type === "image/gif") return true;
  if (file.type !== "image/png" && file.type !== "image/webp") return false;
  const head = new TextDecoder("latin1").decode(await file.slice(0, 65_536).arrayBuffer());
  if (file.type === "image/webp") return head.slice(12, 16) === "VP8X" && (head.charCodeAt(20) & 2) !== 0;
  const control = head.indexOf("acTL");
  return control >= 0 && control < (head.indexOf("IDAT") + 1 || Infinity);
}

/** The file as it is sent: as it is, or redrawn smaller; one that cannot be redrawn goes as it is. */
async function prepare(file) {
  if (KNOWN_TYPES.has(file.type) && file.size <= REDRAW_BYTES) return file;
  if (!file.type.startsWith("image/") || (await isAnimated(file))) return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, REDRAW_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92))) ?? file;
  } catch {
    return file;
  }
}

// --- asking --------------------------------------------------------------------------------------------------

async function search() {
  stop();
  const run = { request: new XMLHttpRequest() };
  running = run;
  setBusy(chosen || !url.value ? text.textUploading : text.textFetching);
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  if (chosen) {
    const file = await prepare(chosen);
    if (running !== run) return;
    if (file.size > Number(text.mostBytes)) return end(run, () => showProblem("too-large"));
    body.set("image", file, "picture");
  } else {
    body.set("url", url.value);
  }
  body.set("anime", form.elements.anime.value);
  const request = run.request;
  // fetch() does not tell how much of a body has been sent.
  request.upload.onprogress = (event) => {
    if (event.lengthComputable && event.total) progress.value = event.loaded / event.total;
  };
  request.upload.onload = () => {
    progress.removeAttribute("value");
    if (chosen) setBusy(text.textSearching);
  };
  request.onload = () => end(run, () => showResponse(request));
  request.onerror = request.ontimeout = () => end(run, () => showProblem("offline"));
  request.open("POST", form.action);
  request.timeout = MOST_WAIT_MS;
  request.setRequestHeader(FRAGMENT_HEADER, "results");
  request.send(body);
}

function stop() {
  if (!running) return;
  const { request } = running;
  running = null;
  request.abort();
  setBusy("");
}

function end(run, show) {
  if (running !== run) return;
  running = null;
  setBusy("");
  show();
}

function setBusy(words) {
  busy.hidden = !words;
  busyText.textContent = words;
  status.textContent = words;
  drop.classList.toggle("is-busy", Boolean(words));
  results.setAttribute("aria-busy", String(Boolean(words)));
  if (!words) progress.removeAttribute("value");
}

// --- answering -----------------------------------------------------------------------------------------------

function showResponse(request) {
  if (!request.getResponseHeader(FRAGMENT_HEADER)) {
    // Not from the page's own view: the check against forged requests, a proxy, or the server's outer shell.
    return showProblem({ 403: "stale", 413: "too-large" }[request.status] ?? "other");
  }
  results.innerHTML = request.responseText;
  const left = byId("new-left");
  byId("left").replaceWith(left.content);
  left.remove();
  const answer = results.querySelector(".answer");
  finder.toggleAttribute("data-answered", Boolean(answer));
  if (!answer) return revealProblem();
  // A clip that this browser plays stays as it is; of any other the server shows the first frame.
  if (answer.dataset.asked && !(chosen && byId("preview"))) showPicture(answer.dataset.asked);
  document.title = answer.dataset.title;
  const heading = byId("answer-heading");
  heading.focus({ preventScroll: true });
  reveal(results);
}

function showProblem(name) {
  const said = document.querySelector(`template[data-problem="${name}"]`).content.cloneNode(true);
  results.replaceChildren(said);
  finder.removeAttribute("data-answered");
  revealProblem();
}

function revealProblem() {
  document.title = firstTitle;
  reveal(results.querySelector(".notice"));
}

/** Scroll only as far as is needed to see where something begins. */
function reveal(element) {
  const { top } = element.getBoundingClientRect();
  if (top >= 0 && top < window.innerHeight * 0.6) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "start", behavior: isCalm ? "auto" : "smooth" });
}

/** Look in one title, or in all of them; what was asked last is asked again. */
function lookIn(number, title) {
  form.elements.anime.value = number;
  byId("only-title").textContent = title;
  byId("only").hidden = !number;
  if (chosen || url.value) search();
}

// --- events --------------------------------------------------------------------------------------------------

if (/Mac|iP(hone|ad|od)/.test(navigator.platform)) drop.querySelector("kbd").textContent = "⌘";

for (const input of [picture, photo]) {
  input.addEventListener("change", () => {
    if (input.files.length) choose(input.files[0]);
  });
}

url.addEventListener("input", () => {
  if (!url.value || !chosen) return;
  chosen = null;
  picture.value = photo.value = "";
  showPicture("");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (url.value.trim()) chooseUrl(url.value.trim());
  else if (chosen) search();
  else if (picture.files.length) choose(picture.files[0]);
  else search();
});

byId("cancel").addEventListener("click", () => {
  stop();
  status.textContent = text.textCancelled;
  picture.focus();
});

document.addEventListener("paste", (event) => {
  // Text that is pasted into a field belongs to the field.
  if (event.target.matches("input, textarea") && !event.clipboardData.files.length) return;
  event.preventDefault();
  take(event.clipboardData);
});

// What is said of a result, and that it is shared, is sent from within the page, and answered where it was said.
results.addEventListener("submit", async (event) => {
  const sent = event.target.closest(".judge, .share form");
  if (!sent) return;
  event.preventDefault();
  const body = new FormData(sent, event.submitter);
  let response = null;
  try {
    response = await fetch(sent.action, { method: "POST", body, headers: { [FRAGMENT_HEADER]: "answer" } });
  } catch {
    // Said below.
  }
  if (!response?.headers.get(FRAGMENT_HEADER)) return (status.textContent = text.textNotSent);
  const place = sent.closest(".share") ?? sent;
  place.innerHTML = await response.text();
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
  status.textContent = place.querySelector("h2, p").textContent.trim();
});

let depth = 0;
const isDragOver = (is) => drop.classList.toggle("is-over", is);
document.addEventListener("dragenter", () => isDragOver((depth += 1) > 0));
document.addEventListener("dragleave", () => isDragOver((depth -= 1) > 0));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  isDragOver(false);
  take(event.dataTransfer);
});

byId("everywhere").addEventListener("click", (event) => {
  if (!chosen && !url.value) return;
  event.preventDefault();
  lookIn("", "");
});

results.addEventListener("click", (event) => {
  const only = event.target.closest("[data-only]");
  if (only && (chosen || url.value)) {
    event.preventDefault();
    lookIn(only.dataset.only, only.dataset.onlyTitle);
  }
});
