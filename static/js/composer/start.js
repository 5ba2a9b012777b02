// Writing on the page of a chat: the box with its draft, and the people whom one can mention.
import { emit, on } from "../lib/bus.js";
import { callApi, RestError } from "../net/rest.js";
import { Composer } from "./composer.js";
import { Drafts } from "../outbox/drafts.js";
import { MemberSearch } from "./member-search.js";

/**
 * Returns the composer; its `drafts.isSafe` says whether what is in the box outlives the page. `members` see members-view.js,
 * `here` see onChat; `isKnown`: whether the chat was shown before, and is told of what was deleted since; the other options are
 * the composer's.
 */
export function startComposer({ chatId, userId, members, isKnown, here, clock, signal, ...options }) {
  const search = new MemberSearch({
    load: async (query, searching) => {
      const path = `/chats/${chatId}/members?${new URLSearchParams({ search: query, limit: "20" })}`;
      const { results } = await callApi("GET", path, undefined, searching);
      return results.map(({ user_id: id, username, display_name: name }) => ({ id, username, name }));
    },
    Fault: RestError,
    onFound: () => composer.mentions.refresh(),
    clock,
  });
  /** Everybody whom one can name, as far as the page knows them. */
  const people = () => {
    const listed = members.people();
    const isListed = new Set(listed.map(({ id }) => id)).add(userId);
    return [...listed.filter(({ id }) => id !== userId), ...search.people().filter(({ id }) => !isListed.has(id))];
  };
  const composer = new Composer({
    form: document.getElementById("composer"),
    drafts: new Drafts({ storage: localStorage, userId, chatId, now: clock.now, onChange: () => emit("drafts.changed", {}) }),
    people,
    onQuery: (query) => search.want(members.isPartial ? query : null),
    signal,
    ...options,
  });
  signal.addEventListener("abort", () => search.want(null));
  on("written.forgotten", () => composer.clear(), signal);
  here("chat.message.deleted", ({ data }) => composer.dropReply(data.id));
  window.addEventListener("storage", ({ storageArea, key, oldValue }) => {
    const draft = storageArea === localStorage ? composer.drafts.storageChanged(key, oldValue) : null;
    if (draft !== null) composer.show(draft);
  }, { signal });
  if (!isKnown) checkReply({ chatId, composer, signal });
  return composer;
}

/** The message that a draft answers may have been deleted while the page was closed. */
async function checkReply({ chatId, composer, signal }) {
  const id = composer.replyTo;
  if (id === "") return;
  try {
    const { deleted_at } = await callApi("GET", `/chats/${chatId}/messages/${id}`, undefined, signal);
    if (deleted_at !== null) composer.dropReply(id);
  } catch (error) {
    if (error.status === 404) composer.dropReply(id);
    else if (!(error instanceof RestError)) throw error; // else not known now: the server says so when it is sent
  }
}
