"""Text → the letters that can be drawn of it, and how much room they take."""

import re
import unicodedata
from functools import lru_cache

from PIL import ImageFont, features

# Ships with Pillow: ASCII and a few signs. Others are used where the system happens to have them.
_FACES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "arial.ttf"),
    *("NotoSansCJK-Regular.ttc", "Arial Unicode.ttf", "msgothic.ttc", "PingFang.ttc"),
)
_PLAIN = str.maketrans({"–": "-", "—": "-", "−": "-", "×": "x", "«": '"', "»": '"', "„": '"'})
_LIGATED = {"AL", "R", "AN", "NSM"}  # scripts that need to be laid out, not only drawn


def wrapped(text: str, size: int, width: float) -> list[str]:
    """At most two lines of what can be drawn of a text, shortened if it is longer; else none."""
    if (drawable := drawn(text)) is None:
        return []
    words = drawable[0].split()
    count = len(words)
    while count > 1 and width_of(" ".join(words[:count]), size) > width:
        count -= 1
    lines = [" ".join(words[:count]), " ".join(words[count:])]
    return [fitted(line, size, width) for line in lines if line]


def fitted(text: str, size: int, width: float) -> str:
    """What can be drawn of a text, shortened to a width; empty if it is not enough to be read."""
    if (drawable := drawn(text)) is None:
        return ""
    shown = drawable[0]
    if width_of(shown, size) <= width:
        return shown
    low, high = 0, len(shown)
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(f"{shown[:middle].rstrip()}…", size) <= width:
            low = middle
        else:
            high = middle - 1
    return f"{shown[:low].rstrip()}…"


def width_of(text: str, size: int) -> float:
    """How wide what can be drawn of a text is."""
    drawable = drawn(text)
    return 0.0 if drawable is None else face_of(drawable[1], size).getlength(drawable[0])


@lru_cache(maxsize=10_000)
def drawn(text: str) -> tuple[str, int] | None:
    """A text as it can be drawn, and in which face; None if most of it could not be read.

    A face that has every letter draws it as it is. Otherwise accents go, and what is still missing
    is marked "…", as what is left out.
    """
    visible = "".join(c for c in text if unicodedata.category(c)[0] != "C" or c in "\t\n")
    text = " ".join(visible.split())
    for face in range(len(_faces())):
        if all(_has(face, char) for char in text):
            return text, face
    bare = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    kept = "".join(char if _has(0, char) else "\0" for char in bare)
    if 2 * kept.count("\0") > len(kept):
        return None
    return re.sub("\0+", "…", kept), 0


@lru_cache(maxsize=1)
def _faces() -> tuple[ImageFont.FreeTypeFont, ...]:
    """The face that Pillow ships, then those of the system."""
    shipped = ImageFont.load_default(40)
    if not isinstance(shipped, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType; install it with pip")
    found = [shipped]
    for name in _FACES:
        try:
            found.append(ImageFont.truetype(name, 40))
        except OSError:
            continue
    return tuple(found)


@lru_cache(maxsize=64)
def face_of(number: int, size: int) -> ImageFont.FreeTypeFont:
    """A face, by its number, with letters of a size."""
    return _faces()[number].font_variant(size=size)


@lru_cache(maxsize=10_000)
def _has(face: int, char: str) -> bool:
    """Whether a face has a letter, and can lay it out."""
    if char.isspace():
        return True
    if unicodedata.bidirectional(char) in _LIGATED and not features.check("fribidi"):
        return False
    font = _faces()[face]
    its, missing = font.getmask(char), font.getmask("\U0010ffff")
    return (its.size, bytes(its)) != (missing.size, bytes(missing))
