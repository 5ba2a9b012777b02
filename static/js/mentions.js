// The part of a text that looks like a mention being typed, and the people it may mean. Pure.

const MOST = 8;
const PARTIAL = /(?:^|[^\w@/.])@([\w.-]{0,40})$/;

/** Returns {start, query} of the "@nam" that ends at `caret`, or null. */
export function partialMention(value, caret) {
  const match = PARTIAL.exec(value.slice(0, caret));
  return match === null ? null : { start: caret - match[1].length - 1, query: match[1] };
}

/** People [{username, name}] whose username or a word of whose name begins with `query`. */
export function matching(people, query) {
  const wanted = query.toLowerCase();
  const fits = ({ username, name }) =>
    username.toLowerCase().startsWith(wanted) || name.toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted));
  return people.filter(fits).slice(0, MOST);
}
