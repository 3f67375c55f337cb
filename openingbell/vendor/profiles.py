"""What each simulated symbol is like: its level, how it moves with the market, and how much of it is traded.

The figures are round numbers near those of the mid-2020s; a symbol without a row gets one from a hash of its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One symbol.

    `level` is the price (points for an index) around which it moves at the start of 2026, `beta` its share in the
    market's moves, `own_vol` its own yearly volatility (0.2 is 20 percent), `daily_volume` the units of a full
    session (0: none is reported), `growth` its yearly trend, `memory` what remains of a deviation after a day.
    """

    level: float
    beta: float
    own_vol: float
    daily_volume: int
    decimals: int = 2
    growth: float = 0.07
    memory: float = 0.9975
    sector: str = ""


def _stock(level: float, beta: float, own_vol: float, millions: float, sector: str) -> Profile:
    return Profile(level, beta, own_vol, int(millions * 1e6), sector=sector)


PROFILES: dict[str, Profile] = {
    "^GSPC": Profile(6800, 1.0, 0.01, 0),
    "^DJI": Profile(48000, 0.92, 0.04, 0),
    "^IXIC": Profile(23300, 1.2, 0.06, 0),
    "^RUT": Profile(2500, 1.15, 0.09, 0),
    "^VIX": Profile(17, -5.5, 0.70, 0, growth=0.0, memory=0.95),
    "GCUSD": Profile(4300, 0.05, 0.15, 190_000, growth=0.05, sector="metals"),
    "SIUSD": Profile(65, 0.2, 0.26, 70_000, decimals=3, growth=0.05, sector="metals"),
    "CLUSD": Profile(60, 0.3, 0.33, 300_000, growth=0.0, memory=0.996, sector="fuels"),
    "NGUSD": Profile(3.9, 0.05, 0.5, 150_000, decimals=3, growth=0.0, memory=0.995, sector="fuels"),
    "AAPL": _stock(260, 1.2, 0.2, 50, "technology"),
    "MSFT": _stock(480, 1.1, 0.17, 22, "technology"),
    "NVDA": _stock(185, 1.7, 0.35, 180, "technology"),
    "AVGO": _stock(345, 1.5, 0.33, 25, "technology"),
    "ORCL": _stock(195, 1.2, 0.32, 20, "technology"),
    "CRM": _stock(260, 1.2, 0.27, 8, "technology"),
    "AMD": _stock(215, 1.7, 0.38, 40, "technology"),
    "CSCO": _stock(77, 0.9, 0.17, 20, "technology"),
    "ADBE": _stock(350, 1.2, 0.27, 4, "technology"),
    "INTC": _stock(37, 1.2, 0.4, 80, "technology"),
    "IBM": _stock(300, 0.7, 0.2, 4, "technology"),
    "QCOM": _stock(172, 1.2, 0.27, 8, "technology"),
    "AMZN": _stock(230, 1.3, 0.23, 40, "consumer"),
    "TSLA": _stock(450, 1.9, 0.45, 80, "consumer"),
    "HD": _stock(345, 1.0, 0.17, 4, "consumer"),
    "MCD": _stock(305, 0.6, 0.14, 3, "consumer"),
    "NKE": _stock(64, 1.1, 0.28, 15, "consumer"),
    "DIS": _stock(113, 1.0, 0.22, 9, "media"),
    "NFLX": _stock(94, 1.2, 0.3, 38, "media"),
    "GOOGL": _stock(313, 1.1, 0.22, 33, "media"),
    "GOOG": _stock(314, 1.1, 0.22, 22, "media"),
    "META": _stock(660, 1.3, 0.27, 13, "media"),
    "VZ": _stock(40, 0.4, 0.17, 20, "media"),
    "T": _stock(25, 0.5, 0.18, 35, "media"),
    "BRK-B": _stock(500, 0.7, 0.11, 4, "finance"),
    "JPM": _stock(322, 1.1, 0.17, 9, "finance"),
    "BAC": _stock(55, 1.2, 0.19, 35, "finance"),
    "GS": _stock(880, 1.2, 0.2, 2, "finance"),
    "WFC": _stock(93, 1.1, 0.2, 14, "finance"),
    "V": _stock(350, 0.9, 0.14, 6, "finance"),
    "MA": _stock(570, 0.9, 0.14, 3, "finance"),
    "UNH": _stock(330, 0.6, 0.28, 9, "health"),
    "JNJ": _stock(207, 0.4, 0.14, 8, "health"),
    "LLY": _stock(1070, 0.6, 0.3, 3, "health"),
    "MRK": _stock(105, 0.5, 0.21, 11, "health"),
    "ABBV": _stock(228, 0.5, 0.21, 6, "health"),
    "PFE": _stock(25, 0.5, 0.22, 45, "health"),
    "TMO": _stock(580, 0.8, 0.22, 2, "health"),
    "ABT": _stock(125, 0.6, 0.18, 6, "health"),
    "PG": _stock(143, 0.4, 0.14, 9, "staples"),
    "KO": _stock(70, 0.4, 0.12, 15, "staples"),
    "PEP": _stock(143, 0.4, 0.15, 7, "staples"),
    "COST": _stock(865, 0.8, 0.18, 2, "staples"),
    "WMT": _stock(111, 0.6, 0.17, 20, "staples"),
    "XOM": _stock(120, 0.7, 0.2, 15, "energy"),
    "CVX": _stock(152, 0.7, 0.2, 8, "energy"),
    "CAT": _stock(575, 1.2, 0.22, 3, "industry"),
    "BA": _stock(217, 1.2, 0.28, 7, "industry"),
    "GE": _stock(308, 1.2, 0.24, 5, "industry"),
    "SPY": _stock(680, 1.0, 0.01, 75, ""),
    "QQQ": _stock(615, 1.2, 0.06, 55, ""),
    "GLD": _stock(396, 0.05, 0.15, 12, "metals"),
    "SLV": _stock(64, 0.2, 0.26, 50, "metals"),
}


def profile_of(symbol: str, asset_class: str) -> Profile:
    """The profile of `symbol`: its row, or one made from its name."""
    if symbol in PROFILES:
        return PROFILES[symbol]
    digest = hashlib.sha256(symbol.encode()).digest()
    level, beta, vol, volume = (byte / 255 for byte in digest[:4])
    return Profile(
        level=round(20 * 20**level, 2),
        beta=0.6 + beta,
        own_vol=0.15 + 0.25 * vol,
        daily_volume=0 if asset_class == "index" else int(1e6 * 20**volume),
    )
