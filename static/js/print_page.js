// Buttons that print the page; on paper everything that can be unfolded is.
const folded = new Set();

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll(".chart-table:not([open])")) {
    details.open = true;
    folded.add(details);
  }
});

addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
  folded.clear();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
