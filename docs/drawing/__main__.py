"""Draws docs/pictures and fills in the tables of docs/notifiers.md: python -m docs.drawing."""

from docs.drawing.gallery import pictures
from docs.drawing.page import PAGE, PICTURES, with_tables


def main() -> None:
    page = with_tables(PAGE.read_text())
    PAGE.write_text(page)
    for kind, picture in pictures(page).items():
        (PICTURES / f"{kind}.svg").write_text(picture)


if __name__ == "__main__":
    main()
