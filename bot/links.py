"""Web addresses as Discord takes them; those of quotes open the page at the quote."""

import re
from urllib.parse import quote as percent_encode

_MAX_URL = 2_048  # Discord's limit
# Discord refuses a whole message for one address that it finds ill formed: with a space, without
# a dot in its host, or with an underscore there.
_URL = re.compile(r"https?://[a-z\d-]+(?:\.[a-z\d-]+)+(?::\d{1,5})?(?:[/?#].*)?", re.IGNORECASE)
_WHOLE = 12  # words; a browser has to find all of them one after another
_EDGE = 5  # words at the start and the end that stand for what is longer


def link(url: str) -> str | None:
    """The address as Discord takes it, percent-encoded; None for one it would refuse.

    Example:
        >>> link("https://example.org/a b")
        'https://example.org/a%20b'
    """
    encoded = percent_encode(url.strip(), safe="%/:?#@!$&'()*+,;=")
    encoded = re.sub(r"%(?![\dA-Fa-f]{2})", "%25", encoded)
    return encoded if _URL.fullmatch(encoded) and len(encoded) <= _MAX_URL else None


def link_to(url: str, text: str) -> str | None:
    """The address with a text fragment, at which browsers scroll to `text` and mark it.

    A long text is named by its first and last words. Where that makes the address too long it is
    left out. See https://developer.mozilla.org/docs/Web/URI/Reference/Fragment/Text_fragments.

    Example:
        >>> link_to("https://example.org/a", "Kim rode in a car.")
        'https://example.org/a#:~:text=Kim%20rode%20in%20a%20car.'
    """
    page = link(url)
    words = text.split()
    if page is None or not words:
        return page
    page, _, _ = page.partition(":~:")
    edges = [words] if len(words) <= _WHOLE else [words[:_EDGE], words[-_EDGE:]]
    fragment = ",".join(_encoded(" ".join(edge)) for edge in edges)
    whole = f"{page}{'' if '#' in page else '#'}:~:text={fragment}"
    return whole if len(whole) <= _MAX_URL else link(url)


def _encoded(words: str) -> str:
    """Percent-encoded; the hyphen too, which has a meaning of its own in a text fragment."""
    return percent_encode(words, safe="").replace("-", "%2D")
