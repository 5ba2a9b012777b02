"""What is really to be seen: the pixels of a part of the page, their contrast and their shape."""

from __future__ import annotations

import base64
import collections
import dataclasses
import math

from playwright.sync_api import Locator, Page

Colour = tuple[int, int, int]

# A page of ours may not read images, by its policy; an empty one may.
READ_PIXELS = """
async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  return { width: image.width, height: image.height, data: [...data] };
}
"""


def luminance(colour: Colour) -> float:
    """Return the relative luminance as WCAG has it."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (c / 255 for c in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@dataclasses.dataclass(frozen=True, slots=True)
class Disc:
    """A round thing on a plain ground."""

    ground: Colour
    colour: Colour
    left: float  # how much of the inside of each half is not ground, told without colour: 0 to 1
    right: float

    @property
    def contrast(self) -> float:
        """How well it stands out."""
        return contrast(self.colour, self.ground)


def look_at(disc: Locator, reader: Page) -> Disc:
    """Return what a round element looks like, with some of what is around it; `reader` is an empty page."""
    box = disc.bounding_box()
    assert box is not None
    size, margin = box["width"], 3
    clip = {"x": box["x"] - margin, "y": box["y"] - margin, "width": size + 2 * margin, "height": size + 2 * margin}
    shot = disc.page.screenshot(clip=clip)  # type: ignore[arg-type]
    seen = reader.evaluate(READ_PIXELS, "data:image/png;base64," + base64.b64encode(shot).decode())
    width, data = seen["width"], seen["data"]
    pixels: dict[tuple[int, int], Colour] = {
        (x, y): tuple(data[4 * (y * width + x) :][:3]) for y in range(seen["height"]) for x in range(width)
    }
    ground = pixels[0, 0]
    colour, _ = collections.Counter(pixel for pixel in pixels.values() if pixel != ground).most_common(1)[0]
    centre, scale = (width - 1) / 2, width / (size + 2 * margin)
    inside = 0.25 * size * scale  # well within the border
    halves: dict[bool, list[bool]] = {True: [], False: []}
    for (x, y), pixel in pixels.items():
        if math.hypot(x - centre, y - centre) < inside and abs(x - centre) > scale / 2:
            halves[x < centre].append(contrast(pixel, ground) > 2)
    left, right = (sum(halves[half]) / len(halves[half]) for half in (True, False))
    return Disc(ground, colour, left, right)
