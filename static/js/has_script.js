// Before the page is painted: what only a script can do is shown, what it makes needless is not.
document.documentElement.classList.add("js");
