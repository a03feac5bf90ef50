// A result's scene plays over its picture, small, without sound and over and over, while the mouse is on the picture or
// the focus on what plays it larger: it moves only where somebody points, and stops when they leave (WCAG 2.2.2).
// Pictures of what is for adults have no such clip.
/** Who only passes by starts nothing: a clip may have to be cut first. */
const PAUSE_MS = 250;
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

let picture = null;
let timer = 0;

function play() {
  const clip = document.createElement("video");
  clip.className = "card-clip";
  clip.muted = clip.loop = clip.playsInline = true;
  clip.ariaHidden = "true";
  clip.disableRemotePlayback = clip.disablePictureInPicture = true;
  // Where it cannot be had the picture stays.
  clip.onerror = () => clip.remove();
  clip.src = picture.dataset.clip;
  picture.append(clip);
  clip.play().catch(() => {});
}

function pointAt(next) {
  if (next === picture) return;
  clearTimeout(timer);
  const last = picture?.querySelector(".card-clip");
  if (last) {
    last.onerror = null;
    // A video that is only removed goes on loading.
    last.removeAttribute("src");
    last.load();
    last.remove();
  }
  picture = next;
  if (picture && !isCalm.matches) timer = setTimeout(play, PAUSE_MS);
}

document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "mouse") pointAt(event.target.closest(".card-picture[data-clip]"));
});

document.addEventListener("focusin", (event) => {
  const link = event.target.closest("[data-larger]");
  pointAt(link?.closest(".card").querySelector(".card-picture[data-clip]") ?? null);
});
