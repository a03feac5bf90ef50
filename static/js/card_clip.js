// A result's scene plays over its picture, small, without sound and over and over: the best match's by itself while it
// is in sight, any while the mouse is on its picture, and each by its button, which stops it as well (WCAG 2.2.2).
// Where less motion or less data is wanted nothing plays but by the button. Pictures of what is for adults have no clip.
/** Who only passes by starts nothing: a clip may have to be cut first. */
const PAUSE_MS = 250;
/** Share of a picture that has to be in sight. */
const IN_SIGHT = 0.6;
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

/** Pictures that play whether or not the mouse is on them, and those whose button has stopped them. */
const held = new WeakSet();
const stopped = new WeakSet();
let hovered = null;
let timer = 0;

const clipOf = (picture) => picture.querySelector(".card-clip");
const mayMove = (picture) => !isCalm.matches && !stopped.has(picture);

function start(picture) {
  if (clipOf(picture)) return;
  const clip = document.createElement("video");
  clip.className = "card-clip";
  clip.muted = clip.loop = clip.playsInline = true;
  clip.ariaHidden = "true";
  clip.disableRemotePlayback = clip.disablePictureInPicture = true;
  // Where it cannot be had the picture stays.
  clip.onerror = () => end(picture);
  clip.src = picture.dataset.clip;
  picture.querySelector(".card-play").before(clip);
  clip.play().catch(() => {});
  showState(picture, true);
}

function end(picture) {
  const clip = clipOf(picture);
  if (!clip) return;
  clip.onerror = null;
  // A video that is only removed goes on loading.
  clip.removeAttribute("src");
  clip.load();
  clip.remove();
  showState(picture, false);
}

function showState(picture, plays) {
  const button = picture.querySelector(".card-play");
  button.classList.toggle("is-playing", plays);
  button.querySelector(".card-play-text").textContent = plays ? button.dataset.stop : button.dataset.play;
}

// --- by its button -------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const picture = event.target.closest(".card-play")?.closest(".card-picture");
  if (!picture) return;
  if (clipOf(picture)) {
    held.delete(picture);
    stopped.add(picture);
    end(picture);
  } else {
    stopped.delete(picture);
    held.add(picture);
    start(picture);
  }
});

// --- by the mouse --------------------------------------------------------------------------------------------------

document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  const picture = event.target.closest(".card-picture[data-clip]");
  if (picture === hovered) return;
  clearTimeout(timer);
  if (hovered && !held.has(hovered)) end(hovered);
  hovered = picture;
  if (picture && mayMove(picture)) timer = setTimeout(() => mayMove(picture) && start(picture), PAUSE_MS);
});

// --- by itself -----------------------------------------------------------------------------------------------------

const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && mayMove(target) && !navigator.connection?.saveData) {
        held.add(target);
        start(target);
      } else if (!isIntersecting) {
        held.delete(target);
        end(target);
      }
    }
  },
  { threshold: IN_SIGHT },
);

function watch() {
  sight.disconnect();
  const picture = document.querySelector(".card-match:first-child .card-picture[data-clip]");
  if (picture) sight.observe(picture);
}

const results = document.getElementById("results");
if (results) new MutationObserver(watch).observe(results, { childList: true });
watch();
