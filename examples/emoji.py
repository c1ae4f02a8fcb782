"""Emoji with their names as images with captions: `python examples/emoji.py PACKAGE OUT`.

PACKAGE is the folder that `npm pack emoji-datasource-twitter` and `tar xzf` leave: 3,786 pictures of 64x64 pixels, by
Twitter, CC BY 4.0 (or -google, -facebook). OUT becomes the pictures on white and their captions.csv, which
`zerosum train gan-int-cls/images --data OUT` takes.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

TONES = {  # of skin, by the code that ends an emoji's
    "1F3FB": "light skin tone",
    "1F3FC": "medium-light skin tone",
    "1F3FD": "medium skin tone",
    "1F3FE": "medium-dark skin tone",
    "1F3FF": "dark skin tone",
}


def captions(emoji: dict[str, Any], tones: str = "") -> list[str]:
    """The name that Unicode has for an emoji, and its short ones; each with its tones of skin, as "1F3FB-1F3FF"."""
    short = [name.replace("_", " ").replace("-", " ") for name in emoji["short_names"]]
    names = [name for name in (emoji["name"], *short) if name and any(map(str.isalnum, name))]
    skin = " and ".join(TONES[tone] for tone in tones.split("-") if tone)
    said = [f"{name}, {skin}" if skin else name for name in names]
    return list(dict.fromkeys(text.lower() for text in said))


def pictures(package: Path) -> Iterator[tuple[Path, list[str]]]:
    """The files of a package's pictures, each with its captions, in the order of the package."""
    (folder,) = (package / "img").glob("*/64")
    for emoji in json.loads((package / "emoji.json").read_text(encoding="utf-8")):
        for tones, one in {"": emoji, **emoji.get("skin_variations", {})}.items():
            if (file := folder / one["image"]).exists():
                yield file, captions(emoji, tones)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the unpacked package")
    parser.add_argument("out", type=Path, help="a new folder")
    given = parser.parse_args()
    if not (given.package / "emoji.json").exists() or len(list((given.package / "img").glob("*/64"))) != 1:
        sys.exit(f"{given.package} is no unpacked emoji-datasource-twitter: it has no emoji.json, or no img/*/64")
    if given.out.exists():
        sys.exit(f"{given.out} exists; name a new folder")
    given.out.mkdir(parents=True)
    with (given.out / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("file_name", "text"))
        for path, texts in pictures(given.package):
            picture = Image.open(path).convert("RGBA")
            on_white = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
            on_white.save(given.out / path.name)
            table.writerows((path.name, text) for text in texts)
    print(f"{len(list(given.out.glob('*.png'))):,} pictures with their captions in {given.out}")


if __name__ == "__main__":
    main()
