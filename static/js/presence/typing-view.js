// Typing on the page of a chat: "Jane is typing..." under the messages, and telling the others that one types.
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { OwnTyping, Typing, typingText } from "./typing.js";

const TIMEOUT = 3000; // ms, until "welcome" says what the server's is

export class TypingView {
  /** `element` shows who types; `here` see onChat; `isEnabled`: whether the server takes part in it. */
  constructor({ element, chatId, userId, isEnabled, socket, here, clock, signal }) {
    Object.assign(this, { element, chatId, isEnabled, socket, clock });
    this.others = new Typing(userId, TIMEOUT);
    this.own = new OwnTyping();
    this.timer = null; // of the next indicator that goes
    this.ownTimer = null; // of what could not be told yet
    const greeted = ({ typing_enabled, typing_timeout }) => {
      this.isEnabled = typing_enabled; // a server that was restarted may have other settings
      this.others.timeout = typing_timeout * 1000;
    };
    on("welcome", greeted, signal);
    here("chat.typing", (frame) => {
      if (!this.isEnabled) return;
      this.others.receive(frame, clock.now());
      this.show();
    });
    const stateChanged = ({ name }) => {
      if (name === "connected") return;
      this.own.sent(); // nobody sees it any more
      this.others.clear();
      this.show();
    };
    on("socket.state", stateChanged, signal);
    const namesShown = (names) => {
      for (const [id, name] of names) this.others.rename(id, name);
      this.show();
    };
    on("names.shown", namesShown, signal);
  }

  /** These people sent what they typed, or left. */
  forget(userIds) {
    for (const userId of userIds) this.others.forget(userId);
    this.show();
  }

  /** The box has changed; `isEmpty`: whether there is nothing in it. */
  changed(isEmpty) {
    this.tell(this.own.changed(isEmpty, this.clock.now()));
  }

  /** The box was left. */
  left() {
    this.tell(this.own.left());
  }

  /** The message was sent. */
  sent() {
    this.own.sent();
  }

  tell(is_typing) {
    if (!this.isEnabled) return;
    if (is_typing !== null) this.socket.send({ type: "chat.typing", chat_id: this.chatId, is_typing });
    this.clock.clearTimeout(this.ownTimer);
    const next = this.own.nextTick();
    if (next === null) return;
    const again = () => this.tell(this.own.tick(this.clock.now()));
    this.ownTimer = this.clock.setTimeout(again, Math.max(next - this.clock.now(), 0) + 1);
  }

  show() {
    this.clock.clearTimeout(this.timer);
    const now = this.clock.now();
    const words = typingText(this.others.names(now), text);
    this.element.querySelector(".dots").hidden = words === "";
    this.element.querySelector(".typing-text").textContent = words;
    const next = this.others.nextChange();
    if (next !== null) this.timer = this.clock.setTimeout(() => this.show(), Math.max(next - now, 0) + 10);
  }
}
