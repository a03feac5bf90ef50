// Buttons that copy: data-copy has the words, or data-copy-from names the element that has them; data-copied is what
// such a button says then. Pages with a #status have that read out, or data-copied-aloud with the words as {time}.
const status = document.getElementById("status");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const words = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent;
  if (!(await copied(words))) return;
  const label = button.querySelector(".button-text") ?? button;
  button.dataset.first ??= label.textContent;
  label.textContent = button.dataset.copied;
  if (status) status.textContent = (button.dataset.copiedAloud ?? button.dataset.copied).replace("{time}", words);
  clearTimeout(button.timer);
  button.timer = setTimeout(() => {
    label.textContent = button.dataset.first;
    if (status) status.textContent = "";
  }, 2000);
});

async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    // Plain http on another host than localhost has no clipboard API.
    const field = document.createElement("textarea");
    field.value = words;
    field.className = "visually-hidden";
    const active = document.activeElement;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    active?.focus();
    return isCopied;
  }
}
