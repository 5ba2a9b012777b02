// What was typed and not sent, kept per chat on this device.
import { recall, remember } from "./storage.js";

export class Drafts {
  constructor(storage, userId, chatId) {
    this.storage = storage;
    this.key = `flowra.draft.${userId}.${chatId}`;
  }

  load() {
    return recall(this.storage, this.key) ?? "";
  }

  save(body) {
    remember(this.storage, this.key, body.trim() === "" ? null : body);
  }
}
