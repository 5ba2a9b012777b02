// Brings a message to the server: over the socket, and where that will not stand, by REST.
import { text } from "./text.js";

const REST_FROM = 2; // attempts: a shorter loss is over before a request would be
const GIVEN_UP = new Set(["exhausted", "fatal"]);
const NO_SERVER = new Set([0, 502, 503, 504]); // what a proxy answers for a server that is away
const WHO_ARE_YOU = new Set([401, 403]); // signed out, or signed in again with another CSRF token

/** A reason why a message is not stored; `code` and `retryAfter` see outbox.js. */
export class NotSent extends Error {
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export class Sender {
  /** `socket` see socket.js, `callApi` see rest.js. */
  constructor({ socket, callApi }) {
    Object.assign(this, { socket, callApi });
  }

  /** Returns {ack} or {message}; throws NotSent. */
  async deliver(entry) {
    const { name, attempt } = this.socket.state;
    if (name === "online") return { ack: await this.bySocket(entry) };
    if (GIVEN_UP.has(name) || (name === "waiting" && attempt >= REST_FROM)) return { message: await this.byRest(entry) };
    throw new NotSent(name === "auth_lost" ? "signed_out" : "lost", text("network"));
  }

  async bySocket({ chat_id, body, client_id, reply_to }) {
    const frame = { type: "chat.message.post", chat_id, body, client_id };
    if (reply_to) frame.reply_to = reply_to;
    try {
      return await this.socket.request(frame);
    } catch (error) {
      throw new NotSent(error.code, error.message, error.frame.retry_after);
    }
  }

  async byRest({ chat_id, body, client_id, reply_to }) {
    try {
      return await this.callApi("POST", `/chats/${chat_id}/messages`, { body, client_id, reply_to });
    } catch ({ status, code, message, retryAfter }) {
      if (NO_SERVER.has(status)) throw new NotSent("network", message, retryAfter);
      throw new NotSent(WHO_ARE_YOU.has(status) ? "signed_out" : code, message, retryAfter);
    }
  }
}
