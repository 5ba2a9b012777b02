// Runs before the first paint, so it is no module: it sets what the reader chose on this device, the theme and whether the
// members are shown, in chats of many and in direct ones; and whether the address is that of the list of chats.
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
  if (location.hash === "#sidebar") document.documentElement.dataset.screen = "list"; // drawers.js
})();
