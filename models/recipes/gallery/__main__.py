"""Writes docs/models.md and its pictures: `python -m models.recipes.gallery [NAME...]`.

With names, only their pictures are made again; the page is always written.
"""

from __future__ import annotations

import sys

from bridge.errors import FramebridgeError
from bridge.supervisor.library import Library, shipped_folder
from converters.contact_sheet import write_contact_sheet

from .page import PAGE, PICTURES, page, shipped
from .pictures import rows

MOST_BYTES = 200_000


def main(names: list[str]) -> int:
    library = Library([shipped_folder()])
    folders = sorted(p.parent for p in shipped_folder().glob("*/model.toml"))
    packages = [library.find(str(folder)) for folder in folders]
    pictures = PAGE.parent / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    known = shipped(packages)
    unknown = set(names) - {package.name for package in known}
    if unknown:
        print(f"not shipped: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for package in known:
        if not names or package.name in names:
            path = pictures / f"{package.name}.png"
            write_contact_sheet(path, rows(package), most_bytes=MOST_BYTES)
            print(path)
    for path in pictures.glob("*.png"):
        if path.stem not in {package.name for package in known}:
            path.unlink()
    PAGE.write_text(page(packages), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
