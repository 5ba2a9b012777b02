// Actions on a message: reply, edit, delete; retry, take back or discard one that was not sent.
import { replyWords } from "../composer/composer.js";
import { confirmDialog } from "../shell/dialogs.js";
import { editMessage } from "../composer/editor.js";
import { callApi, RestError } from "../net/rest.js";
import { text } from "../lib/text.js";

const QUOTED = 300; // characters of a message in the question whether to delete it

export class MessageActions {
  /** `outbox` has what was not sent (outbox.js); `toasts` see toasts.js. */
  constructor({ timeline, composer, chatId, outbox, toasts, signal }) {
    Object.assign(this, { timeline, composer, chatId, outbox, toasts, signal });
    timeline.list.addEventListener("click", (event) => {
      const control = event.target.closest?.("[data-action]");
      const node = event.target.closest?.(".message");
      const isPlain = !event.metaKey && !event.ctrlKey && !event.shiftKey;
      if (control && node && isPlain) {
        event.preventDefault();
        this.run(control.dataset.action, node, event.detail === 0);
      } else if (node) {
        this.activate(node);
      }
    }, { signal });
  }

  /** Without a mouse the tools show on the message that was tapped. */
  activate(node) {
    for (const other of this.timeline.list.querySelectorAll(".message.active")) other.classList.remove("active");
    if (matchMedia("(hover: none)").matches) node.classList.add("active");
  }

  /** `isByKey`: whoever works with keys is at this message again afterwards. */
  run(action, node, isByKey) {
    if (action === "reply") this.reply(node);
    else if (action === "edit") this.edit(node, isByKey ? node : this.composer.textarea);
    else if (action === "delete") this.remove(node);
    else if (action === "retry") this.outbox.retry(node.dataset.clientId);
    else if (action === "discard") this.outbox.takeBack(node.dataset.clientId);
    else if (action === "take-back") this.takeBack(node);
  }

  /** Put an unsent message back into the box. */
  async takeBack(node) {
    const said = (name) => node.querySelector(`.message-reply ${name}`)?.textContent ?? "";
    const words = replyWords({ author: said("b"), body: said("span") });
    const entry = await this.outbox.takeBack(node.dataset.clientId);
    if (entry === null) return; // it is on its way, as it says itself
    this.composer.putBack({ body: entry.body, reply: entry.reply_to && { id: entry.reply_to, words } });
  }

  reply(node) {
    const { author, body } = this.timeline.quotable(node);
    this.composer.setReply({ id: node.dataset.messageId, author, body });
  }

  /** Open the editor; afterwards `next` has the focus. */
  /** Open the editor with the message, or with what was made of it; `next` has the focus afterwards. */
  edit(node, next = this.composer.textarea, body = undefined) {
    const save = async (body) => {
      this.timeline.apply(await callApi("PATCH", this.path(node), { body }));
    };
    editMessage({ node, body, save, onDone: () => next.focus(), within: this.signal });
  }

  /** What is being edited, [{id, body}]: to be resumed where the chat is shown again. */
  edits() {
    const nodes = [...this.timeline.list.querySelectorAll(":scope > .editing")];
    return nodes.map((node) => ({ id: node.dataset.messageId, body: node.querySelector(".edit-box textarea").value }));
  }

  resume(edits) {
    for (const { id, body } of edits) {
      const node = this.timeline.byId(id);
      if (node !== null) this.edit(node, this.composer.textarea, body);
    }
  }

  async remove(node) {
    const { author, body } = this.timeline.quotable(node);
    const isOwn = node.classList.contains("own");
    const question = isOwn ? text("confirm_delete") : text("confirm_delete_of", { name: author });
    if (!(await confirmDialog(question, body.slice(0, QUOTED)))) return;
    try {
      const data = await callApi("DELETE", this.path(node));
      if (data !== null) this.timeline.apply(data);
      // The tools are gone, and the focus was in them: whoever works with keys stays at this place.
      if (node.contains(document.activeElement) || document.activeElement === document.body) {
        node.focus({ preventScroll: true });
      }
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.toasts.show(error.message, { level: "error" });
    }
  }

  path(node) {
    return `/chats/${this.chatId}/messages/${node.dataset.messageId}`;
  }
}
