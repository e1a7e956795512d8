"""Wilson's interval for a share, honest for small counts (odds.md 2, "Show")."""

from math import sqrt

Z = 1.96  # 95 %


def interval(hits: int, total: int, z: float = Z) -> tuple[float, float]:
    """(lower, upper), each 0 to 1, for `hits` of `total`; (0, 1) when nothing was seen (odds.md 2).

    Centre (p + z²/2n) / (1 + z²/n), half-width z / (1 + z²/n) · √(p(1−p)/n + z²/4n²).
    """
    if total <= 0:
        return 0.0, 1.0
    share, width = hits / total, 1 + z * z / total
    centre = (share + z * z / (2 * total)) / width
    half = z / width * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
