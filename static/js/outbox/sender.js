// Sends a message to the server: over the socket, and where no socket stays open, by REST.
import { text } from "../lib/text.js";

const REST_FROM = 2; // attempts: a shorter loss is over before a request would be
const GIVEN_UP = new Set(["exhausted", "fatal"]);
const NO_SERVER = new Set([0, 502, 503, 504]); // what a proxy answers for a server that is down
const NOT_SIGNED_IN = new Set([401, 403]); // signed out, or signed in again with another CSRF token

// The socket's error messages are in English only. These are in the reader's language, by error code (docs/protocol.md).
const REFUSALS = { closed: "refused_closed", forbidden: "refused_forbidden" };
const isEnglish = () => (globalThis.document?.documentElement?.lang ?? "en").startsWith("en");

/** A reason why a message is not stored; `code`, `retryAfter` and `wasSent` see outbox.js. */
export class NotSent extends Error {
  constructor(code, message, retryAfter = 0, wasSent = true) {
    super(message);
    Object.assign(this, { code, retryAfter, wasSent });
  }
}

export class Sender {
  /** `socket` see socket.js, `callApi` see rest.js; `userId` is whose messages these are. */
  constructor({ socket, callApi, userId }) {
    Object.assign(this, { socket, callApi, userId });
    this.isTaken = false; // somebody else has signed in in this browser: the socket is theirs
  }

  /** The server's welcome says whose connection it is. */
  greeted(userId) {
    this.isTaken = userId !== this.userId;
  }

  get route() {
    const { name, attempt } = this.socket.state;
    if (this.isTaken || name === "auth_lost") return "signed_out";
    if (name === "online") return "socket";
    return GIVEN_UP.has(name) || (name === "waiting" && attempt >= REST_FROM) ? "rest" : "lost";
  }

  /**
   * Resolves where a message would reach the server now; throws NotSent where not. Before a message goes by REST the
   * server is asked who this is: without an answer nothing was sent, and it can still be taken back.
   */
  async ready() {
    this.check();
    if (this.route !== "rest") return;
    const { id } = await this.asked(() => this.callApi("GET", "/me"), false);
    if (id !== this.userId) throw new NotSent("signed_out", text("signed_out"), 0, false);
  }

  /** Returns {ack} or {message}; throws NotSent. */
  async deliver(entry) {
    this.check();
    if (this.route === "socket") return { ack: await this.bySocket(entry) };
    return { message: await this.byRest(entry) };
  }

  check() {
    const { route } = this;
    if (route === "signed_out" || route === "lost") throw new NotSent(route, text("network"), 0, false);
  }

  async bySocket({ chat_id, body, client_id, reply_to }) {
    const frame = { type: "chat.message.post", chat_id, body, client_id };
    if (reply_to) frame.reply_to = reply_to;
    try {
      return await this.socket.request(frame);
    } catch (error) {
      const isSaid = isEnglish() || !(error.code in REFUSALS); // the server's own sentence says more
      const words = isSaid ? error.message : text(REFUSALS[error.code]);
      throw new NotSent(error.code, words, error.frame.retry_after);
    }
  }

  byRest({ chat_id, body, client_id, reply_to }) {
    return this.asked(() => this.callApi("POST", `/chats/${chat_id}/messages`, { body, client_id, reply_to }), true);
  }

  async asked(ask, wasSent) {
    try {
      return await ask();
    } catch ({ status, code, message, retryAfter }) {
      if (NO_SERVER.has(status)) throw new NotSent("network", message, retryAfter, wasSent);
      throw new NotSent(NOT_SIGNED_IN.has(status) ? "signed_out" : code, message, retryAfter, wasSent);
    }
  }
}
