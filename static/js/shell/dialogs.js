// Dialogs: forms fetched by htmx into #dialog, and the ones that stand in the page. Without scripts the same
// links open the same forms as pages.

/** Returns `close()`, which closes all dialogs, and the one that is on its way. */
export function startDialogs({ htmx, signal }) {
  let asked = 0; // how many were asked for or closed; a later one makes the answer to an earlier one stale
  const dialog = document.getElementById("dialog");
  const content = document.getElementById("dialog-content");
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-dialog]");
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      asked += 1;
      const turn = asked;
      try {
        await htmx.ajax("GET", link.getAttribute("href"), { target: content, swap: "innerHTML" });
      } catch {
        return; // app.js has said that the server cannot be reached
      }
      if (turn !== asked) {
        if (!dialog.open) content.replaceChildren();
        return;
      }
      if (content.childElementCount > 0 && !dialog.open) dialog.showModal();
      (content.querySelector("[autofocus], input:not([type=hidden]), button[type=submit]") ?? dialog).focus();
      return;
    }
    const opener = event.target.closest?.("[data-open-dialog]");
    if (opener) openDialog(opener.dataset.openDialog);
    const closer = event.target.closest?.("[data-dialog-close]");
    if (closer) closer.closest("dialog").close();
    // A click on the backdrop is a click on the dialog itself, outside its content.
    if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
  }, { signal });
  dialog.addEventListener("close", () => content.replaceChildren(), { signal });
  return () => {
    asked += 1;
    closeDialogs();
  };
}

/** Open a dialog of the page by id. */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (dialog !== null && !dialog.open) dialog.showModal();
}

function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
}

/** Ask in #confirm-dialog about what `quote` says; resolves to whether it was meant. */
export function confirmDialog(question, quote) {
  const dialog = document.getElementById("confirm-dialog");
  dialog.querySelector(".confirm-text").textContent = question;
  dialog.querySelector(".quoted").textContent = quote;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
