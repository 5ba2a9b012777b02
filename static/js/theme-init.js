// Runs before the first paint, so it is no module: it sets what the reader chose on this device, the theme and whether the
// members are shown, in chats of many and in direct ones; and it notes whether they move through the page by its keys.
(function () {
  try {
    const theme = localStorage.getItem("flowra.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    for (const [name, key] of [["members", "flowra.members"], ["membersDirect", "flowra.members.direct"]]) {
      const choice = localStorage.getItem(key);
      if (choice === "shown" || choice === "hidden") document.documentElement.dataset[name] = choice;
    }
  } catch {
    // Storage is blocked: the system's theme applies.
  }
  document.documentElement.classList.add("js");
  // The ring around a text box is for these people: a browser says :focus-visible of a box that was clicked into as well.
  const setKeyboard = (isKeyboard) => document.documentElement.toggleAttribute("data-keyboard", isKeyboard);
  addEventListener("pointerdown", () => setKeyboard(false), true);
  addEventListener("keydown", ({ key }) => {
    if (key === "Tab") setKeyboard(true);
  }, true);
})();
