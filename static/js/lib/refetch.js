// A part of the page that is fetched anew, with changes that come while it is.

/**
 * Returns a function that has the element `id`, which replaces itself, take its event `type`. htmx would queue one that
 * comes during a request and forget it with the element that the answer replaces, and the new element hears nothing
 * before it has settled: what an answer is too old to know would never show.
 */
export function makeRefetch(htmx, id, type) {
  let isFetching = false;
  let isStale = false;
  const refetch = () => {
    isStale = isFetching;
    if (isFetching) return;
    isFetching = true;
    htmx.trigger(`#${id}`, type);
  };
  const ended = ({ detail: { target } }) => {
    if (target?.id !== id) return;
    isFetching = false;
    if (isStale) refetch();
  };
  document.body.addEventListener("htmx:afterSettle", ended);
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) ended(event); // nothing settles then
  });
  return refetch;
}
