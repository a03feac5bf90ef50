// A scene in large: links to its page open it in a dialog, and the frames of the minute around it play in place.
const FRAGMENT_HEADER = "Frameproof-Fragment";

/** The part of a scene's page that the dialog shows; null where there is none to be had. */
async function playerOf(address) {
  try {
    const response = await fetch(address, { headers: { [FRAGMENT_HEADER]: "scene" } });
    return response.ok && response.headers.has(FRAGMENT_HEADER) ? await response.text() : null;
  } catch {
    return null;
  }
}

async function open(link) {
  if (link.ariaBusy === "true") return;
  link.ariaBusy = "true";
  const player = await playerOf(link.href);
  link.ariaBusy = null;
  // The page itself says what is wrong.
  if (player === null) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "larger";
  dialog.setAttribute("aria-labelledby", "scene-heading");
  dialog.innerHTML = player;
  document.body.append(dialog);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    // A video that is only removed goes on loading.
    dialog.querySelector("video").removeAttribute("src");
    dialog.querySelector("video").load();
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start(dialog);
}

/** Play, unless it is for adults and not shown yet. */
function start(player) {
  const veil = player.querySelector(".veil-switch");
  // Refused where a browser lets nothing play by itself, or the frame is changed at once: the controls are there.
  if (!veil || veil.checked) player.querySelector("video").play().catch(() => {});
}

function playFrom(frame) {
  const player = frame.closest(".player");
  const video = player.querySelector("video");
  const now = player.querySelector(".player-now");
  player.querySelector(".film-frame[aria-current]")?.removeAttribute("aria-current");
  frame.setAttribute("aria-current", "true");
  now.textContent = now.dataset.text.replace("{time}", frame.dataset.time);
  video.poster = frame.querySelector("img").src;
  video.src = frame.dataset.clip;
  start(player);
  video.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", (event) => {
  // Whoever wants it in another tab gets it there.
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("[data-larger], .film-frame");
  if (!link) return;
  event.preventDefault();
  if (link.matches(".film-frame")) playFrom(link);
  else open(link);
});

// What happens to a video does not rise to the document, and is met on its way down.
document.addEventListener(
  "error",
  (event) => {
    if (!event.target.matches?.(".player video")) return;
    const now = event.target.closest(".player").querySelector(".player-now");
    now.textContent = now.dataset.textFailed;
  },
  true,
);

document.addEventListener("change", (event) => {
  const isHidden = event.target.matches(".player .veil-switch") && !event.target.checked;
  if (isHidden) event.target.closest(".player").querySelector("video").pause();
});
