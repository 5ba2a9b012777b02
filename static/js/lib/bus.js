// Every frame of the socket is an event on <body>, named by its type, so that parts of the page need not know each other.

/** Tell the whole page: `type` is a frame's type, `detail` the frame. */
export function emit(type, detail) {
  document.body.dispatchEvent(new CustomEvent(type, { detail, bubbles: true }));
}

/** Call `handler(frame)` for every frame of this type until `signal` is aborted. */
export function on(type, handler, signal) {
  document.body.addEventListener(type, (event) => handler(event.detail), { signal });
}

/** Returns a function (type, handler) that does as `on`, for the frames of one chat. */
export function onChat(chatId, signal) {
  return (type, handler) => {
    const ofThisChat = (frame) => {
      if (frame.chat_id === chatId) handler(frame);
    };
    on(type, ofThisChat, signal);
  };
}
