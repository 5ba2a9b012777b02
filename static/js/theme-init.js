// Runs before the first paint, so it is no module: it sets what the reader chose on this device, the theme and whether the
// members are shown, in chats of many and in direct ones; and whether the address is that of the list of chats. On a phone that
// is where "/" leads, which the server has redirected to a chat.
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
  const [arrival] = performance.getEntriesByType("navigation");
  const wasRedirected = arrival?.type === "navigate" && arrival.redirectCount > 0;
  const isPlainChat = location.pathname.startsWith("/chats/") && location.search === "" && location.hash === "";
  if (wasRedirected && isPlainChat && matchMedia("(max-width: 767.98px)").matches) {
    location.replace("#sidebar");
  }
  if (location.hash === "#sidebar") document.documentElement.dataset.screen = "list"; // drawers.js
})();
