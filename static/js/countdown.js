// Counts down to a time that an element names: data-resets-at, said as data-text with {time}, then data-text-now.
// Nothing is announced: the sentence was read out when it came, and its numbers change each second. (In an alert it has
// aria-live="off" for that.)
const MINUTE_S = 60;
const HOUR_S = 3600;

const two = (number) => String(number).padStart(2, "0");

function tick() {
  for (const element of document.querySelectorAll("[data-resets-at]")) {
    const { resetsAt, text, textNow } = element.dataset;
    const left = Math.ceil((Date.parse(resetsAt) - Date.now()) / 1000);
    const time = `${Math.floor(left / HOUR_S)}:${two(Math.floor((left % HOUR_S) / MINUTE_S))}:${two(left % MINUTE_S)}`;
    const words = left > 0 ? text.replace("{time}", time) : textNow;
    if (element.textContent !== words) element.textContent = words;
  }
}

tick();
setInterval(tick, 1000);
