// The tools that every message has, whether they are shown or not.

/** Whether a message is stored and stands: what it says can be copied. */
export const stands = (node) => node.dataset.status === undefined && !node.classList.contains("deleted");

/** The tool of a message for "reply", "edit" or "delete"; null where the reader may not, as in a chat that is closed or gone. */
export function toolOf(node, action) {
  const tool = node.querySelector(`[data-action="${action}"]`);
  const { dataset } = node.closest("main");
  const isOff = "gone" in dataset || ("closed" in dataset && action !== "delete");
  return isOff || tool === null || tool.hidden || !stands(node) ? null : tool;
}
