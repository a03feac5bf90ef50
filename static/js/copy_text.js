// Buttons that copy the text of another element: data-copy-from names it, data-copied is what they say then.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-from]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copyFrom);
  if (!(await copied(source))) return;
  button.dataset.first ??= button.textContent;
  button.textContent = button.dataset.copied;
  clearTimeout(button.timer);
  button.timer = setTimeout(() => (button.textContent = button.dataset.first), 2000);
});

async function copied(source) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    // Plain http on another host than localhost has no clipboard API.
    getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
}
