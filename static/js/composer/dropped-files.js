// Files that somebody pastes or drops: there is no way to send them yet, so they get an answer instead of silence.
import { text } from "../lib/text.js";
import { toast } from "../attention/toasts.js";

const hasFiles = (transfer) => transfer?.types.includes("Files") === true;
const answer = () => toast(text("no_files"), { level: "warning" });

/** Answer to files on the whole page; dropped ones would otherwise be opened in its place. */
export function startDroppedFiles() {
  document.addEventListener("paste", ({ clipboardData }) => {
    // Office programs put a picture of the text beside it; the text is pasted as usual.
    if (hasFiles(clipboardData) && clipboardData.getData("text/plain") === "") answer();
  });
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (type === "drop") answer();
    });
  }
}
