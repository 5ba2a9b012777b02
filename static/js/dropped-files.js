// Files that somebody pastes or drops: there is no way to send them yet, so they get an answer instead of silence.
import { text } from "./text.js";
import { toast } from "./toasts.js";

const hasFiles = (transfer) => transfer?.types.includes("Files") === true;
const isFileField = (target) => target.closest?.("input[type=file]") != null;
const answer = () => toast(text("no_files"), { level: "warning" });

/** Answer to files on the whole page; dropped ones would otherwise be opened in its place. */
export function startDroppedFiles() {
  document.addEventListener("paste", ({ clipboardData, target }) => {
    // Office programs put a picture of the text beside it; the text is pasted as usual.
    if (hasFiles(clipboardData) && clipboardData.getData("text/plain") === "" && !isFileField(target)) answer();
  });
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => {
      if (!hasFiles(event.dataTransfer) || isFileField(event.target)) return;
      event.preventDefault();
      if (type === "drop") answer();
    });
  }
}
