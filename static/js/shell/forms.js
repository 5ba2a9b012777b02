// Additions to forms: a filter for long lists of people, a button that copies a link.
import { nameMatcher } from "../lib/folding.js";
import { text } from "../lib/text.js";

function filterList(input) {
  const isFound = nameMatcher(input.value);
  for (const label of input.closest("fieldset").querySelectorAll(".check")) label.hidden = !isFound(label.textContent);
}

async function copyLink(button) {
  const field = button.closest("li").querySelector("input");
  field.select();
  await navigator.clipboard.writeText(field.value);
  button.lastChild.textContent = text("copied");
}

function reveal(root) {
  for (const element of root.querySelectorAll("[data-filter], [data-copy]")) element.hidden = false;
}

/** An address may name a section that has a tab of its own now: its link has the section's name. */
function openTab() {
  const named = location.hash === "" ? null : document.querySelector(`.tabs a[id="${CSS.escape(location.hash.slice(1))}"]`);
  if (named !== null) location.replace(named.href);
}

export function startForms({ signal }) {
  reveal(document);
  openTab();
  window.addEventListener("hashchange", openTab, { signal });
  document.body.addEventListener("htmx:load", (event) => reveal(event.detail.elt), { signal });
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("[data-filter]")) filterList(event.target);
  }, { signal });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copyLink(button);
  }, { signal });
}
