// Editing a message where it stands.
import { on } from "../lib/bus.js";
import { isComposing } from "../lib/keys.js";
import { text } from "../lib/text.js";
import { handleFormatting, isSendKey, isTouch } from "./writing-keys.js";

function button(label, className) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = className;
  element.textContent = label;
  return element;
}

/**
 * Open the editor on an own message, with `body` in it; `save(body)` returns a promise and throws an Error for the reader. It is
 * closed, too, when `within` is aborted.
 */
export function editMessage({ node, body = node.dataset.body, save, onDone, within }) {
  if (node.querySelector(".edit-box") !== null) return;
  const box = document.createElement("div");
  box.className = "edit-box";
  const area = document.createElement("textarea");
  area.dir = "auto";
  area.value = body;
  area.setAttribute("aria-label", text("edit_label"));
  area.enterKeyHint = isTouch() ? "enter" : "done";
  area.rows = Math.min(area.value.split("\n").length + 1, 12);
  const fault = document.createElement("p");
  fault.className = "errors";
  fault.setAttribute("role", "alert");
  fault.hidden = true;
  const row = document.createElement("div");
  row.className = "row";
  const accept = button(text("save"), "button button-small button-primary");
  const cancel = button(text("cancel"), "button button-small");
  row.append(accept, cancel);
  box.append(area, fault, row);

  // What was typed stays to be read and copied, where it cannot be saved any more.
  const lock = (words) => {
    fault.textContent = words ?? "";
    fault.hidden = words === null;
    area.readOnly = accept.disabled = words !== null;
  };
  const editing = new AbortController();
  const signal = AbortSignal.any([editing.signal, within]);
  on("chat.locked", ({ words }) => lock(node.classList.contains("deleted") ? text("deleted") : words), signal);
  const deleted = ({ data }) => {
    if (data.id === node.dataset.messageId) lock(text("deleted"));
  };
  on("chat.message.deleted", deleted, signal);

  signal.addEventListener("abort", () => {
    box.remove();
    node.classList.remove("editing");
  });
  const close = () => {
    editing.abort();
    onDone();
  };
  const submit = async () => {
    if (accept.disabled) return;
    if (area.value.trim() === "" || area.value === node.dataset.body) {
      if (area.value.trim() !== "") close();
      return;
    }
    accept.disabled = true;
    try {
      await save(area.value);
      close();
    } catch (error) {
      fault.textContent = error.message;
      fault.hidden = false;
      accept.disabled = false;
    }
  };
  accept.addEventListener("click", submit, { signal });
  cancel.addEventListener("click", close, { signal });
  area.addEventListener("keydown", (event) => {
    if (isComposing(event) || handleFormatting(event) || !isSendKey(event)) return;
    event.preventDefault();
    submit();
  }, { signal });
  box.addEventListener("keydown", (event) => { // from its buttons too
    if (isComposing(event) || event.key !== "Escape") return;
    event.stopPropagation();
    close();
  }, { signal });
  if (node.classList.contains("deleted")) lock(text("deleted"));
  node.classList.add("editing");
  node.querySelector(".message-body").after(box);
  area.focus();
  area.setSelectionRange(area.value.length, area.value.length);
}
