// Sends messages: over the socket, and where that is not open, by REST with the same client_id, so that
// whatever arrives twice is stored once.
import { text } from "./text.js";

export class Sender {
  constructor({ socket, callApi, chatId }) {
    Object.assign(this, { socket, callApi, chatId });
  }

  /** Returns {ack} or {message}; throws an Error whose text is for the reader. */
  async send({ body, client_id, reply_to }) {
    if (this.socket.isOpen) {
      try {
        return { ack: await this.bySocket(body, client_id, reply_to) };
      } catch (error) {
        if (error.code !== "lost") throw error;
      }
    }
    const message = await this.callApi("POST", `/chats/${this.chatId}/messages`, { body, client_id, reply_to });
    if (message === null) throw new Error(text("refused"));
    return { message };
  }

  bySocket(body, client_id, reply_to) {
    const frame = { type: "chat.message.post", chat_id: this.chatId, body, client_id };
    if (reply_to) frame.reply_to = reply_to;
    return this.socket.request(frame);
  }
}
