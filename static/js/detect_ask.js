// The page "Is it real?": pick or drop a video, see it, send it with its progress, and go on to its analysis.
// Nothing is sent before the button is pressed: an analysis costs something.
const FRAGMENT_HEADER = "Frameproof-Fragment";

const byId = (id) => document.getElementById(id);
const form = byId("ask");
const text = form.dataset;
const drop = byId("drop");
const video = byId("video");
const url = byId("url");
const busy = byId("busy");
const progress = byId("progress");
const status = byId("status");
const results = byId("results");

let chosen = null;
let running = null;

// --- what is asked -------------------------------------------------------------------------------------------

function choose(file) {
  chosen = file;
  url.value = "";
  showProblem("");
  showVideo(URL.createObjectURL(file));
  const megabytes = (file.size / 1048576).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 });
  byId("chosen").textContent = text.textFile.replace("{megabytes}", megabytes).replace("{name}", () => file.name);
  byId("chosen").hidden = false;
}

function chooseUrl(address) {
  forget();
  url.value = address;
}

function forget() {
  chosen = null;
  video.value = "";
  byId("chosen").hidden = true;
  showVideo("");
}

/** Show a video at once, before anything is sent; no address takes the last one away. */
function showVideo(address) {
  const last = byId("preview");
  if (last) URL.revokeObjectURL(last.src);
  last?.remove();
  byId("drop-title").textContent = address ? text.textOther : text.textFirst;
  if (!address) return;
  const preview = document.createElement("video");
  preview.id = "preview";
  preview.className = "drop-preview";
  preview.ariaLabel = text.textChosen;
  preview.muted = preview.loop = preview.playsInline = true;
  preview.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  // What this browser does not play is analysed all the same.
  preview.onerror = () => preview.remove();
  preview.src = address;
  drop.append(preview);
}

/** A video among what was dropped or pasted, else an address, else nothing. */
function take(data) {
  const files = [...data.files];
  const file = files.find((one) => one.type.startsWith("video/")) ?? files[0];
  if (file) return choose(file);
  const address = (data.getData("text/uri-list") || data.getData("text/plain"))
    .split("\n")
    .map((line) => line.trim())
    .find((line) => /^https?:\/\/\S+$/i.test(line));
  if (address) return chooseUrl(address);
  return showProblem("no-video");
}

// --- asking --------------------------------------------------------------------------------------------------

function ask() {
  if (running) return;
  showProblem("");
  // A phone may have handed a file over before: it waits on the server, under a name that the form has.
  if (!chosen && !url.value.trim() && !form.elements.held) return showProblem("no-video");
  if (chosen && chosen.size > Number(text.mostBytes)) return showProblem("too-large");
  const body = new FormData(form);
  if (chosen) body.set("video", chosen, chosen.name);
  else body.delete("video");
  const request = new XMLHttpRequest();
  running = request;
  setBusy(chosen ? text.textUploading : text.textAsking);
  // fetch() does not tell how much of a body has been sent.
  request.upload.onprogress = (event) => {
    if (event.lengthComputable && event.total) progress.value = event.loaded / event.total;
  };
  request.upload.onload = () => {
    progress.removeAttribute("value");
    setBusy(text.textAsking);
  };
  request.onload = () => end(() => answer(request));
  request.onerror = request.ontimeout = () => end(() => showProblem("offline"));
  request.open("POST", form.action);
  request.setRequestHeader(FRAGMENT_HEADER, "problem");
  request.send(body);
}

function answer(request) {
  const where = request.getResponseHeader("Location");
  if (request.status === 201 && where) return location.assign(where);
  if (!request.getResponseHeader(FRAGMENT_HEADER)) {
    // Not from the page's own view: the check against forged requests, a proxy, or the server's outer shell.
    return showProblem({ 403: "stale", 413: "too-large" }[request.status] ?? "other");
  }
  results.innerHTML = request.responseText;
  return reveal();
}

function end(then) {
  running = null;
  setBusy("");
  then();
}

function setBusy(words) {
  busy.hidden = !words;
  byId("busy-text").textContent = words;
  status.textContent = words;
  byId("go").disabled = Boolean(words);
  drop.classList.toggle("is-busy", Boolean(words));
  if (!words) progress.removeAttribute("value");
}

/** One of the page's own messages; no name takes the last one away. */
function showProblem(name) {
  if (!name) return results.replaceChildren();
  results.replaceChildren(document.querySelector(`template[data-problem="${name}"]`).content.cloneNode(true));
  return reveal();
}

function reveal() {
  const { top } = results.getBoundingClientRect();
  if (top >= 0 && top < window.innerHeight * 0.6) return;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  results.scrollIntoView({ block: "start", behavior: isCalm ? "auto" : "smooth" });
}

// --- events --------------------------------------------------------------------------------------------------

video.addEventListener("change", () => {
  if (video.files.length) choose(video.files[0]);
});

url.addEventListener("input", () => {
  if (url.value && chosen) forget();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!chosen && video.files.length && !url.value.trim()) choose(video.files[0]);
  ask();
});

byId("stop").addEventListener("click", () => {
  running?.abort();
  end(() => {
    status.textContent = text.textCancelled;
    byId("go").focus();
  });
});

// Back from the analysis: the page is as it was left, and so would be its progress.
addEventListener("pageshow", (event) => {
  if (event.persisted) setBusy("");
});

document.addEventListener("paste", (event) => {
  // Text that is pasted into a field belongs to the field.
  if (event.target.matches("input, textarea") && !event.clipboardData.files.length) return;
  event.preventDefault();
  take(event.clipboardData);
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
