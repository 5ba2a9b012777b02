// The tools that every message has, whether they are shown or not.

/** The tool of a message for "reply", "edit" or "delete"; null where the reader may not, or it is not stored. */
export function toolOf(node, action) {
  const tool = node.querySelector(`[data-action="${action}"]`);
  return tool === null || node.dataset.status !== undefined || tool.closest("[hidden]") !== null ? null : tool;
}
