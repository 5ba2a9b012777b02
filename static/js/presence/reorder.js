// Brings a list's items into another order without a jump: they glide from where they were (FLIP).

const GLIDE = { duration: 220, easing: "cubic-bezier(0.2, 0.8, 0.3, 1)" };

const gliding = new Set(); // animations on their way

/** Move as few of `list`'s items as possible (nearly) so that they stand as in `wanted`; returns whether any moved. */
function move(list, wanted) {
  let moved = false;
  let place = list.firstElementChild;
  for (const item of wanted) {
    // The item that stands here belongs further down: let it be, its turn comes, and what follows need not move.
    if (place !== null && item !== place && item === place.nextElementSibling) place = item;
    if (item === place) {
      place = place.nextElementSibling;
    } else {
      list.insertBefore(item, place);
      moved = true;
    }
  }
  return moved;
}

const isInOrder = (list, wanted) => wanted.every((item, index) => item === list.children[index]);

function scrollerOf(element) {
  let scroller = element;
  while (scroller !== null && scroller.scrollHeight <= scroller.clientHeight) scroller = scroller.parentElement;
  return scroller;
}

/** Bring the items of `list` into the order `wanted`; the scroll position stays. */
export function reorder(list, wanted, { animate }) {
  if (isInOrder(list, wanted)) return;
  const before = animate ? new Map(wanted.map((item) => [item, item.getBoundingClientRect().top])) : null;
  const scroller = scrollerOf(list);
  const scrollTop = scroller?.scrollTop;
  move(list, wanted);
  if (scroller !== null) scroller.scrollTop = scrollTop;
  if (!animate) return;
  for (const animation of gliding) animation.cancel(); // what glides on begins where it was seen last: `before` says where
  gliding.clear();
  const isSeen = (top) => top > -100 && top < window.innerHeight;
  // All is measured before anything is animated: that is one layout, not one for each item.
  const after = wanted.map((item) => item.getBoundingClientRect().top);
  wanted.forEach((item, index) => {
    const by = before.get(item) - after[index];
    if (by === 0 || !(isSeen(after[index]) || isSeen(before.get(item)))) return;
    const animation = item.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], GLIDE);
    gliding.add(animation);
    animation.onfinish = () => gliding.delete(animation);
  });
}
