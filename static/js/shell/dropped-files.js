// Files that somebody pastes or drops: they cannot be sent yet, and a notice says so.
import { text } from "../lib/text.js";

const hasFiles = (transfer) => transfer?.types.includes("Files") === true;

/** Watch the whole page; the browser would open a dropped file in its place. `toasts` see toasts.js. */
export function startDroppedFiles({ toasts, signal }) {
  const answer = () => toasts.show(text("no_files"), { level: "warning" });
  document.addEventListener("paste", ({ clipboardData }) => {
    // Office programs put a picture of the text beside it; the text is pasted as usual.
    if (hasFiles(clipboardData) && clipboardData.getData("text/plain") === "") answer();
  }, { signal });
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (type === "drop") answer();
    }, { signal });
  }
}
