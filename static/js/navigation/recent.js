// Chats that were left a moment ago. Their elements are kept beside the document, and what changes in them is held, so that
// coming back needs no request.
import { on } from "../lib/bus.js";
import { showNames } from "../presence/people.js";

export const MOST = 20; // chats; each is a subscription beside the open chat's
export const MOST_HELD = 200; // changed messages of one chat; with more it is loaded anew
export const MOST_CHARACTERS = 300_000; // of these messages
const CHANGES = ["chat.message.posted", "chat.message.edited", "chat.message.deleted"];
const OF_HEADER = ["chat.renamed", "chat.closed", "chat.reopened", "chat.changed"];

export class Recent {
  /** `userId` is the reader. `socket` see socket.js: each chat here is followed in the background. */
  constructor({ socket, userId, signal }) {
    Object.assign(this, { socket, most: MOST });
    this.hasLetGo = false; // whether room was made when the server had none
    this.chats = new Map(); // chat id → what was kept, the one that was left first first
    const of = (types, handle) => {
      for (const type of types) {
        on(type, (frame) => {
          const chat = this.chats.get(frame.chat_id);
          if (chat !== undefined) handle(chat, frame);
        }, signal);
      }
    };
    of(CHANGES, (chat, { data }) => this.hold(chat, data));
    of(["chat.unread"], ({ bootstrap }, { last_read_seq: seq }) => {
      bootstrap.last_read_seq = Math.max(bootstrap.last_read_seq, seq ?? 0);
    });
    of(OF_HEADER, ({ stale }) => stale.add("header"));
    of(["chat.member_added"], ({ stale }) => stale.add("members"));
    of(["chat.member_removed"], ({ chatId, stale }, { data }) => {
      if (data.user_id === userId) this.drop(chatId);
      else stale.add("members");
    });
    of(["chat.reset", "chat.deleted", "subscribe.refused"], ({ chatId }) => this.drop(chatId));
    const roleChanged = ({ workspace_id, data }) => {
      if (data.user_id !== userId) return;
      for (const { bootstrap, stale } of this.chats.values()) if (bootstrap.workspace_id === workspace_id) stale.add("header");
    };
    on("workspace.role_changed", roleChanged, signal);
    const missed = () => {
      for (const { stale } of this.chats.values()) stale.add("header").add("members").add("names");
    };
    on("chat.stale", missed, signal);
    on("names.shown", (names) => this.rename(names), signal);
    on("written.forgotten", () => [...this.chats.keys()].forEach((chatId) => this.drop(chatId)), signal); // signed out
    // The server follows fewer chats at a time than this page would.
    on("subscribe.refused", ({ code }) => {
      if (code !== "too_many") return;
      this.hasLetGo = this.chats.size > 0;
      this.shrink(Math.floor(this.chats.size / 2));
    }, signal);
  }

  /** Keep a chat that was left: `bootstrap` is what its `stop()` returned, `nodes` its elements. */
  keep({ chatId, bootstrap, nodes }) {
    this.chats.delete(chatId);
    this.chats.set(chatId, { chatId, bootstrap, nodes, held: new Map(), characters: 0, stale: new Set() });
    this.socket.follow(chatId, bootstrap.revision, { background: true });
    this.shrink(this.most);
  }

  /**
   * Take a chat out; null where it is not here. Returns {bootstrap, nodes}; `bootstrap.held` are messages that have changed
   * since, `bootstrap.stale` names what has to be fetched again: "header", "members", "names".
   */
  take(chatId) {
    const chat = this.chats.get(chatId);
    if (chat === undefined) return null;
    this.chats.delete(chatId);
    const held = [...chat.held.values()].sort((one, other) => one.revision - other.revision);
    return { bootstrap: { ...chat.bootstrap, held, stale: chat.stale }, nodes: chat.nodes };
  }

  /** Show what people are called now; their order in the list of members, and sentences with names, are fetched again. */
  rename(names) {
    for (const { nodes: { main, aside }, stale } of this.chats.values()) {
      showNames(main, names);
      showNames(aside, names);
      if (names.has(main.querySelector("#chat-header").dataset.peerId)) stale.add("header");
      if ([...aside.querySelectorAll("[data-user-id]")].some(({ dataset }) => names.has(dataset.userId))) stale.add("members");
    }
  }

  has(chatId) {
    return this.chats.has(chatId);
  }

  /** Forget a chat: it is fetched when it is opened again. */
  drop(chatId) {
    if (this.chats.delete(chatId)) this.socket.unfollow(chatId);
  }

  /** Keep at most this many, those that were left last. */
  shrink(most) {
    this.most = most;
    for (const chatId of [...this.chats.keys()].slice(0, Math.max(this.chats.size - most, 0))) this.drop(chatId);
  }

  hold(chat, message) {
    const before = chat.held.get(message.id);
    if (before !== undefined && before.revision >= message.revision) return;
    chat.held.set(message.id, message);
    chat.characters += sizeOf(message) - (before === undefined ? 0 : sizeOf(before));
    if (chat.held.size > MOST_HELD || chat.characters > MOST_CHARACTERS) this.drop(chat.chatId);
  }
}

const sizeOf = ({ body, html }) => (body?.length ?? 0) + (html?.length ?? 0);
