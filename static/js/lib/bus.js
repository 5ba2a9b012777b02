// Every frame of the socket is an event on <body>, named by its type, so that parts of the page need not know each other.

/** Tell everybody on the page: `type` is a frame's type, `detail` the frame. */
export function emit(type, detail) {
  document.body.dispatchEvent(new CustomEvent(type, { detail, bubbles: true }));
}

/** Call `handler(frame)` for every frame of this type; returns a function that ends it. */
export function on(type, handler) {
  const listener = (event) => handler(event.detail);
  document.body.addEventListener(type, listener);
  return () => document.body.removeEventListener(type, listener);
}
