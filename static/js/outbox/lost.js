// Messages that failed in chats one cannot open any more: a dialog on every page has their text, to be copied or discarded.
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";

const OUT_OF_REACH = new Set(["not_found", "forbidden"]); // codes of those who are no members any more
const DIALOG = "unsent-dialog";

/** Whether a message failed because its author cannot open the chat any more. */
export const isOutOfReach = ({ status, code }) => status === "failed" && OUT_OF_REACH.has(code);

function button(label, onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button button-small";
  element.textContent = label;
  element.addEventListener("click", () => onClick(element));
  return element;
}

/** `open.chatId` is the open chat; `toasts` see toasts.js; `openDialog(id)` see dialogs.js. */
export function startLost({ outbox, open, toasts, openDialog, signal }) {
  const dialog = document.getElementById(DIALOG);
  const list = dialog.querySelector("ul");
  const copy = async (area, element) => {
    area.select();
    await navigator.clipboard?.writeText(area.value); // plain http has none: it is selected
    element.textContent = text("copied");
  };
  const item = ({ client_id, body, reason }) => {
    const entry = document.createElement("li");
    entry.className = "stack";
    const area = document.createElement("textarea");
    Object.assign(area, { value: body, readOnly: true, rows: 3, dir: "auto" });
    area.setAttribute("aria-label", text("failed"));
    const why = document.createElement("p");
    why.className = "muted";
    why.textContent = reason;
    const row = document.createElement("div");
    row.className = "actions";
    row.append(
      button(text("copy"), (element) => copy(area, element)),
      button(text("discard"), () => outbox.takeBack(client_id)),
    );
    entry.append(area, why, row);
    return entry;
  };
  const show = () => {
    const lost = outbox.entries.filter(isOutOfReach);
    list.replaceChildren(...lost.map(item));
    if (lost.length === 0 && dialog.open) dialog.close();
    return lost.length > 0;
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.(`a[href="#${DIALOG}"]`)) return;
    event.preventDefault();
    if (show()) openDialog(DIALOG);
  }, { signal });
  const changed = ({ entry, isNews }) => {
    if (dialog.open) show();
    if (entry.status !== "failed" || entry.chat_id === open.chatId) return;
    const isLost = isOutOfReach(entry);
    if (!isLost && !isNews) return;
    const link = { href: isLost ? `#${DIALOG}` : `/chats/${entry.chat_id}/`, label: text("show") };
    toasts.show(text("failed_elsewhere"), { level: "error", link });
  };
  on("outbox.changed", changed, signal);
}
