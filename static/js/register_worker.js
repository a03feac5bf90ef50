// The worker shows a page of the site's own where the site cannot be reached. Without it, the browser shows its own.
navigator.serviceWorker?.register("/sw.js").catch(() => {});
