// The outbox as the page of a chat shows it: on the messages themselves.
import { on } from "../lib/bus.js";
import { isOutOfReach } from "./lost.js";
import { text } from "../lib/text.js";

export class Unsent {
  /** `isConnected()`: whether messages are on their way or wait; `onSent(answer)` is called for each that is stored. */
  constructor({ outbox, timeline, chatId, isConnected, onSent, signal }) {
    Object.assign(this, { outbox, timeline, chatId, isConnected });
    const changed = ({ entry, answer }) => {
      if (entry.chat_id !== chatId) return;
      if (entry.status === "gone") timeline.discard(entry.client_id);
      else if (entry.status !== "sent") this.showOne(entry);
      else if (answer !== null) onSent(answer);
    };
    on("outbox.changed", changed, signal);
    on("socket.state", () => this.showAll(), signal);
    this.showAll();
  }

  showAll() {
    for (const entry of this.outbox.of(this.chatId)) this.showOne(entry);
  }

  /** The chat was left, and is shown again: remove what the outbox has not any more, as it was stored or discarded since. */
  forgetOthers() {
    const waiting = new Set(this.outbox.of(this.chatId).map(({ client_id }) => client_id));
    for (const clientId of this.timeline.pendingIds()) if (!waiting.has(clientId)) this.timeline.discard(clientId);
  }

  showOne(entry) {
    const node = this.timeline.addPending(entry);
    if (node.dataset.messageId) this.outbox.seen(entry.client_id); // the page came with it: it is stored
    else {
      // On its way within a moment there is no time to take it back.
      const isFree = this.outbox.isFree(entry) && (!this.isConnected() || this.outbox.isPutOff(this.chatId));
      const words = text(this.isConnected() ? "sending" : "waiting");
      this.timeline.setPending(entry, words, { isFree, canEdit: !isOutOfReach(entry) });
    }
  }
}
