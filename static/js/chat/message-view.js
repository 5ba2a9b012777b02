// One message as an element: made from the page's <template>, or read from what the server rendered.
import { readableText } from "./excerpt.js";
import { completeBodies } from "./message-body.js";
import { paintAvatar } from "../lib/avatars.js";
import { text } from "../lib/text.js";
import { localizeTime } from "../lib/times.js";

// What only some messages have: it is copied from the template where it is needed.
const SPARE = ".message-reply, .message-edited, .message-note, [data-action='edit'], [data-action='delete']";

/** What arrange() wants to know of an element. */
export function factsOf(node) {
  return {
    authorId: node.dataset.authorId,
    time: new Date(node.querySelector(".message-time time").dateTime),
    isReply: node.dataset.replyTo !== undefined,
    seq: node.dataset.seq ? Number(node.dataset.seq) : null,
    isOwn: node.classList.contains("own"),
    isDeleted: node.classList.contains("deleted"),
  };
}

/** Returns what a screen reader says of a message that has the focus: who, when, what; a part that is hidden says nothing. */
export function spokenMessage(node) {
  const part = (selector) => node.querySelector(`:scope > ${selector}:not([hidden])`);
  const answered = part(".message-reply")?.querySelector("b").textContent ?? "";
  const words = [
    node.querySelector(".message-author").textContent,
    node.querySelector(".message-time").textContent,
    answered === "" ? "" : text("replying_to", { name: answered }),
    readableText(part(".message-body") ?? node),
    part(".message-edited")?.textContent,
    part(".message-note")?.textContent,
  ];
  return words.map((one) => one?.trim()).filter(Boolean).join(", ");
}

/** Mark the mentions of the reader below `root`. */
export function markMentions(root, username) {
  for (const mention of root.querySelectorAll(".mention")) {
    mention.classList.toggle("me", mention.dataset.username === username.toLowerCase());
  }
}

/** Whether what stands in `root` names the reader; a quote is quiet. */
export function namesReader(root) {
  return root.querySelector(".mention.me:not(blockquote *)") !== null;
}

export class MessageView {
  /** `template` is that of a message with all its parts; `viewer`: {id, username, mayManage, chatId}; `people` see people.js. */
  constructor({ template, viewer, people }) {
    Object.assign(this, { template, viewer, people });
  }

  /** Make an element for a message as the API gives it. */
  create(data) {
    const node = this.template.content.firstElementChild.cloneNode(true);
    for (const part of node.querySelectorAll(SPARE)) part.remove();
    const isOwn = data.author.id === this.viewer.id;
    node.dataset.authorId = data.author.id;
    if (isOwn) node.dataset.clientId = data.client_id;
    if (data.reply_to) node.dataset.replyTo = data.reply_to;
    node.classList.toggle("own", isOwn);
    const name = this.people.nameOf(data.author.id, data.author.display_name);
    const author = node.querySelector(".message-author");
    author.dataset.nameOf = data.author.id;
    author.textContent = name;
    paintAvatar(node.querySelector(".avatar"), data.author.id, name);
    const time = node.querySelector(".message-time time");
    time.dateTime = data.created_at;
    localizeTime(time);
    this.fill(node, data);
    return node;
  }

  /** Make an element for what was just typed and is on its way. */
  createPending({ client_id, body, reply_to, author }) {
    const now = new Date().toISOString();
    const node = this.create({ client_id, body, reply_to, author, html: "", created_at: now, edited_at: null });
    delete node.dataset.messageId;
    delete node.dataset.seq;
    node.removeAttribute("id");
    const paragraph = document.createElement("p");
    paragraph.className = "unrendered";
    paragraph.textContent = body;
    node.querySelector(".message-body").replaceChildren(paragraph);
    this.setStatus(node, "pending", text("sending"));
    return node;
  }

  /** The part of a message that `selector` names; where it has none, `put(part)` takes a copy of the template's. */
  part(node, selector, put) {
    const known = node.querySelector(selector);
    if (known !== null) return known;
    const made = this.template.content.querySelector(selector).cloneNode(true);
    put(made);
    return made;
  }

  /** Show the present state of a message; `data.html` was made safe by the server. */
  fill(node, data) {
    const deleted = data.deleted_at != null;
    if (data.id !== undefined) this.identify(node, data.id, data.seq, data.revision);
    const body = node.querySelector(".message-body");
    if (deleted) {
      const paragraph = document.createElement("p");
      paragraph.className = "muted";
      paragraph.textContent = text("deleted");
      body.replaceChildren(paragraph);
      delete node.dataset.body;
    } else {
      body.innerHTML = data.html;
      completeBodies(body);
      markMentions(body, this.viewer.username);
      if (node.classList.contains("own")) node.dataset.body = data.body;
    }
    node.classList.toggle("deleted", deleted);
    node.classList.toggle("mentions-me", !deleted && namesReader(body));
    if (deleted) for (const part of node.querySelectorAll(".message-edited, .message-tools")) part.remove();
    else if (data.edited_at != null) this.part(node, ".message-edited", (part) => body.after(part));
  }

  /** Give an element the message's id and place, and its tools their addresses. */
  identify(node, id, seq, revision) {
    Object.assign(node.dataset, { messageId: id, seq: String(seq), revision: String(revision) });
    node.id = `message-${seq}`;
    node.querySelector(".message-time").href = `?at=${seq}#message-${seq}`;
    const tools = node.querySelector(".message-tools");
    if (tools === null) return; // it was deleted
    tools.querySelector("[data-action='reply']").href = `?reply_to=${id}#composer`;
    const isOwn = node.classList.contains("own");
    this.offer(tools, "edit", id, isOwn);
    this.offer(tools, "delete", id, isOwn || this.viewer.mayManage);
  }

  /** Have a tool, "edit" or "delete", stand among the others or not. */
  offer(tools, action, id, isAllowed) {
    const selector = `[data-action='${action}']`;
    if (!isAllowed) tools.querySelector(selector)?.remove();
    else this.part(tools, selector, (tool) => tools.append(tool)).href = `/chats/${this.viewer.chatId}/messages/${id}/${action}/`;
  }

  /** Give the tools of a message that is shown to a reader who has become, or is no more, somebody who manages the chat. */
  allow(node) {
    const { messageId, seq, revision } = node.dataset;
    if (messageId !== undefined) this.identify(node, messageId, seq, revision);
  }

  /** Say "pending" or "failed" on the message itself, with buttons [{action, label}]; null removes it. */
  setStatus(node, status, words = "", buttons = []) {
    if (status === null) {
      delete node.dataset.status;
      for (const part of node.querySelectorAll(":scope > :is(.message-note, .message-choices)")) part.remove();
      return;
    }
    const note = this.part(node, ".message-note", (part) => node.querySelector(".message-body").after(part));
    // Set again to the same words, a screen reader would read it with every try to connect.
    if (status !== "pending" || node.dataset.status !== status || note.textContent !== words) note.textContent = words;
    node.dataset.status = status;
    this.setChoices(note, buttons);
  }

  /** Show these buttons below a note, [{action, label}]; those that are there already stay, and keep the focus. */
  setChoices(note, buttons) {
    const shown = note.nextElementSibling?.matches(".message-choices") ? note.nextElementSibling : null;
    const isShown = (index) => shown?.children[index]?.dataset.action === buttons[index].action;
    if (buttons.length === (shown?.children.length ?? 0) && buttons.every((_, index) => isShown(index))) return;
    shown?.remove();
    if (buttons.length === 0) return;
    const choices = document.createElement("div");
    choices.className = "message-choices";
    for (const { action, label } of buttons) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link-button";
      button.dataset.action = action;
      button.textContent = label;
      choices.append(button);
    }
    note.after(choices);
  }

  /** Show which message is answered; `body` is its excerpt, see excerpt.js. */
  quote(node, { author, authorId = "", body, seq, deleted }) {
    const link = this.part(node, ".message-reply", (part) => node.querySelector(".message-body").before(part));
    const [name, words] = [link.querySelector("b"), link.querySelector("span")];
    name.dataset.nameOf = authorId;
    name.textContent = authorId === "" ? author : this.people.nameOf(authorId, author);
    words.textContent = deleted ? text("deleted") : body;
    if (seq) link.href = `?at=${seq}#message-${seq}`;
  }
}
