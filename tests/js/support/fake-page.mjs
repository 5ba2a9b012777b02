// A page without a browser: elements that do nothing but count who listens to them. What a module looks up is there.
import { getEventListeners, setMaxListeners } from "node:events";

const listened = new Map(); // target → the types that somebody has listened to
const observers = new Set();
const channels = new Set();

class FakeTarget extends EventTarget {
  addEventListener(type, ...rest) {
    if (!listened.has(this)) listened.set(this, new Set());
    listened.get(this).add(type);
    super.addEventListener(type, ...rest);
  }
}

class FakeElement extends FakeTarget {
  dataset = {};
  style = {};
  elements = new Proxy({}, { get: (found, name) => (found[name] ??= new FakeElement()) });
  classList = { add: () => {}, remove: () => {}, toggle: () => {}, contains: () => false };
  children = [];
  childNodes = [];
  hidden = false;
  value = "";
  textContent = "";
  scrollTop = 0;
  #found = new Map();

  querySelector(selector) {
    if (MISSING.has(selector)) return null;
    if (!this.#found.has(selector)) this.#found.set(selector, new FakeElement());
    return this.#found.get(selector);
  }

  get firstElementChild() {
    return this.querySelector("first");
  }

  get content() {
    return this.querySelector("content");
  }

  get lastElementChild() {
    return this.querySelector("last");
  }

  querySelectorAll = () => [];
  getAttribute = () => null;
  setAttribute() {}
  removeAttribute() {}
  toggleAttribute() {}
  replaceChildren() {}
  append() {}
  after() {}
  replaceWith() {}
  cloneNode = () => new FakeElement();
  animate() {}
  remove() {}
  focus() {}
  matches = () => false;
  contains = () => false;
  closest = () => null;
  getBoundingClientRect = () => ({ top: 0, bottom: 0 });
  checkVisibility = () => true;
}

// What stands on no page of this test: newer messages, a divider, faults, open menus.
const MISSING = new Set([":scope > #newer", ".new-line", ".errors", "details.menu[open]"]);
const TEXTS = { "client-texts": "{}" };

class FakeDocument extends FakeElement {
  body = new FakeElement();
  documentElement = new FakeElement();
  visibilityState = "visible";
  title = "Flowra";
  cookie = "";
  activeElement = null;

  getElementById(id) {
    const element = this.querySelector(id);
    if (id in TEXTS) element.textContent = TEXTS[id];
    return element;
  }

  createElement = () => new FakeElement();
}

class FakeObserver {
  observe() {
    observers.add(this);
  }

  disconnect() {
    observers.delete(this);
  }
}

class FakeChannel {
  constructor() {
    channels.add(this);
  }

  close() {
    channels.delete(this);
  }

  postMessage() {}
}

class FakeSocket {
  constructor() {
    FakeSocket.latest = this;
    this.readyState = 0;
  }

  send() {}

  close() {
    this.readyState = 3;
  }
}

const storage = () => ({ length: 0, key: () => null, getItem: () => null, setItem: () => {}, removeItem: () => {} });

/** Make the globals that modules look for. */
export function makePage() {
  setMaxListeners(0); // a page has many
  const page = {
    document: new FakeDocument(),
    window: Object.assign(new FakeTarget(), { navigation: new FakeTarget(), BroadcastChannel: FakeChannel, htmx: {} }),
    location: { protocol: "http:", host: "flowra.test", href: "http://flowra.test/", pathname: "/", search: "", hash: "" },
    history: { state: null, pushState: () => {}, replaceState: () => {} },
    navigator: { languages: ["en"], platform: "Linux" },
    localStorage: storage(),
    sessionStorage: storage(),
    matchMedia: () => Object.assign(new FakeTarget(), { matches: false }),
    IntersectionObserver: FakeObserver,
    MutationObserver: FakeObserver,
    ResizeObserver: FakeObserver,
    WebSocket: FakeSocket,
    HTMLDialogElement: FakeElement,
    requestAnimationFrame: () => {},
    CSS: { escape: (text) => text, supports: () => true },
    fetch: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  };
  for (const [name, value] of Object.entries(page)) Object.defineProperty(globalThis, name, { value, configurable: true });
  return page;
}

/** How many listen to what: {listeners, observers, channels}. */
export function countHeld() {
  let listeners = 0;
  for (const [target, types] of listened) for (const type of types) listeners += getEventListeners(target, type).length;
  return { listeners, observers: observers.size, channels: channels.size };
}

/** The WebSocket that was opened last. */
export const latestSocket = () => FakeSocket.latest;
