"""Published numbers: small sheets that others computed, with their source, and which of our functions answers them.

The numbers stand as they were published, so that the last digit says how precise they are. Where a publication uses
another length than our columns have, the same function is asked for that length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from openingbell.indicators import momentum, ta, trend, volatility, volume, windows
from openingbell.indicators.arrays import Floats
from openingbell.indicators.bars import Bars

CHART_SCHOOL = "StockCharts ChartSchool"


@dataclass(frozen=True)
class Column:
    """A published column: the first bar that has a value, the values as they are spelled, and our answer to them."""

    name: str
    first_bar: int
    spelled: str
    ours: Callable[[Bars], Floats]


@dataclass(frozen=True)
class Sheet:
    """A publication: what it is of, where it is from, its bars, and its columns."""

    title: str
    source: str
    bars: Bars
    columns: tuple[Column, ...]


def _floats(text: str) -> Floats:
    return np.array([float(word) for word in text.split()])


MEANS = Sheet(
    "Simple and exponential mean of 10 closes",
    f"{CHART_SCHOOL}, Moving Averages, Intel, 24 March to 5 May 2010",
    Bars(
        _floats(
            "22.2734 22.1940 22.0847 22.1741 22.1840 22.1344 22.2337 22.4323 22.2436 22.2933 22.1542 22.3926 22.3816 "
            "22.6109 23.3558 24.0519 23.7530 23.8324 23.9516 23.6338 23.8225 23.8722 23.6537 23.1870 23.0976 23.3260 "
            "22.6805 23.0976 22.4025 22.1725"
        )
    ),
    (
        Column(
            "SMA 10",
            10,
            "22.22475 22.21283 22.23269 22.26238 22.30606 22.42324 22.61499 22.76692 22.90693 23.07773 23.21178 "
            "23.37861 23.52657 23.65378 23.71139 23.68557 23.61298 23.50573 23.43225 23.27734 23.13121",
            lambda bars: windows.window_sum(bars.close_sums, 10) / 10.0,
        ),
        Column(
            "EMA 10",
            10,
            "22.22475 22.21192 22.24477 22.26965 22.33170 22.51790 22.79681 22.97066 23.12734 23.27721 23.34204 "
            "23.42940 23.50991 23.53605 23.47259 23.40441 23.39015 23.26112 23.23139 23.08068 22.91556",
            lambda bars: ta.ema(bars.close, 10),
        ),
    ),
)

RSI = Sheet(
    "RSI of 14 changes",
    f"{CHART_SCHOOL}, Relative Strength Index, QQQQ, 14 December 2009 to 1 February 2010",
    Bars(
        _floats(
            "44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826 45.8931 46.0328 45.6140 "
            "46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439 46.2122 46.2521 45.7137 46.4515 45.7835 45.3548 "
            "44.0288 44.1783 44.2181 44.5672 43.4205 42.6628 43.1314"
        )
    ),
    (
        Column(
            "RSI 14",
            15,
            "70.53 66.32 66.55 69.41 66.36 57.97 62.93 63.26 56.06 62.38 54.71 50.42 39.99 41.46 41.87 45.46 37.30 "
            "33.08 37.77",
            lambda bars: momentum.rsi(bars)[0],
        ),
    ),
)

BANDS = Sheet(
    "Bollinger bands of 20 closes and two deviations",
    f"{CHART_SCHOOL}, Bollinger Bands, 1 May to 30 June 2009",
    Bars(
        _floats(
            "86.1557 89.0867 88.7829 90.3228 89.0671 91.1453 89.4397 89.1750 86.9302 87.6752 86.9596 89.4299 89.3221 "
            "88.7241 87.4497 87.2634 89.4985 87.9006 89.1260 90.7043 92.9001 92.9784 91.8021 92.6647 92.6843 92.3021 "
            "92.7725 92.5373 92.9490 93.2039 91.0669 89.8318 89.7435 90.3994 90.7387 88.0177 88.0867 86.8439 90.7781 "
            "90.5416 91.3894 90.6500"
        )
    ),
    (
        Column(
            "middle",
            20,
            "88.707940 89.045160 89.239745 89.390705 89.507800 89.688660 89.746500 89.913140 90.081255 90.382195 "
            "90.658630 90.863995 90.884090 90.905160 90.988925 91.153375 91.191090 91.120500 91.067665 91.150270 "
            "91.142135 91.066600 90.950180",
            lambda bars: volatility.bollinger(bars)[1],
        ),
        Column(
            "upper",
            20,
            "91.291862 91.949268 92.612595 92.934200 93.311950 93.728450 93.899592 94.266255 94.565096 94.786912 "
            "95.043001 94.907605 94.902912 94.895320 94.861013 94.673629 94.556593 94.678752 94.840502 94.820387 "
            "94.816889 94.654793 94.432224",
            lambda bars: volatility.bollinger(bars)[0],
        ),
        Column(
            "lower",
            20,
            "86.124018 86.141052 85.866895 85.847210 85.703650 85.648870 85.593408 85.560025 85.597414 85.977478 "
            "86.274259 86.820385 86.865268 86.915000 87.116837 87.633121 87.825587 87.562248 87.294828 87.480153 "
            "87.467381 87.478407 87.468136",
            lambda bars: volatility.bollinger(bars)[2],
        ),
    ),
)

DIRECTIONAL = Sheet(
    "Directional movement and true range of 14 bars",
    f"{CHART_SCHOOL}, Average Directional Index, QQQQ, 11 February to 31 March 2009",
    Bars(
        high=_floats(
            "30.1983 30.2776 30.4458 29.3478 29.3477 29.2886 28.8334 28.7346 28.6654 28.8532 28.6356 27.6761 27.2112 "
            "26.8651 27.4090 26.9441 26.5189 26.5189 27.0927 27.6860 28.4477 28.5267 28.6654 29.0116 29.8720 29.8028 "
            "29.7529 30.6546 30.5951 30.7635 31.1698 30.8923 30.0402 30.6645"
        ),
        low=_floats(
            "29.4072 29.3182 29.9611 28.7443 28.5566 28.4081 28.0818 27.4289 27.6565 27.8345 27.3992 27.0927 26.1826 "
            "26.1332 26.6277 26.1332 25.4307 25.3518 25.8760 26.9640 27.1421 28.0123 27.8840 27.9928 28.7643 29.1402 "
            "28.7127 28.9290 30.0304 29.3863 30.1365 30.4267 29.3467 29.9906"
        ),
        close=_floats(
            "29.8720 30.2381 30.0996 28.9028 28.9225 28.4775 28.5566 27.5576 28.4675 28.2796 27.4882 27.2310 26.3507 "
            "26.3309 27.0333 26.2221 26.0144 25.4605 27.0333 27.4487 28.3586 28.4278 27.9530 29.0116 29.3776 29.3576 "
            "28.9107 30.6149 30.0502 30.1890 31.1202 30.5356 29.7827 30.0402"
        ),
    ),
    (
        Column(
            "ATR 14 × 14",
            15,
            "13.3330000 13.2807429 13.4203184 13.6288242 14.2875368 13.9889984 14.2953842 13.7886854 13.5851793 "
            "13.6734093 13.8044372 13.4810060 13.5582770 14.3337286 13.8943909 14.2791344 14.2924962 13.9651036 "
            "14.1564962 14.0271179",
            lambda bars: 14.0 * volatility.atr(bars)[0],
        ),
        Column(
            "+DI 14",
            15,
            "6.7494187 6.2919781 5.7817867 5.2866653 8.6988073 12.4910346 16.6785194 16.6292450 16.6937202 17.9332083 "
            "22.7269847 21.6099390 19.9520101 23.8153238 22.8134766 20.6131527 21.9656407 20.8748381 19.1217139 "
            "22.3703123",
            lambda bars: trend.directional(bars)[1],
        ),
        Column(
            "−DI 14",
            15,
            "32.4195605 33.9457668 36.4278403 33.8872739 30.0160112 28.4668252 25.8669450 24.9019540 23.4696294 "
            "21.6526027 19.9151478 18.9363056 20.6365552 18.1258276 17.3633223 20.1994349 18.7390828 17.8085094 "
            "23.9419101 22.4368271",
            lambda bars: trend.directional(bars)[2],
        ),
        Column(
            "ADX 14",
            28,
            "33.5833461 32.1534947 29.9292238 28.3576178 26.8982694 25.7764785 23.9459048",
            lambda bars: trend.directional(bars)[0],
        ),
    ),
)

STOCHASTIC = Sheet(
    "Stochastic of 14 bars, mean of 3",
    f"{CHART_SCHOOL}, Stochastic Oscillator, 23 February to 6 April 2010; closes are printed from bar 14 on, and those "
    "before do not enter",
    Bars(
        high=_floats(
            "127.0090 127.6159 126.5911 127.3472 128.1730 128.4317 127.3671 126.4220 126.8995 126.8498 125.6460 "
            "125.7156 127.1582 127.7154 127.6855 128.2228 128.2725 128.0934 128.2725 127.7353 128.7700 129.2873 "
            "130.0633 129.1182 129.2873 128.4715 128.0934 128.6506 129.1381 128.6406"
        ),
        low=_floats(
            "125.3574 126.1633 124.9296 126.0937 126.8199 126.4817 126.0340 124.8301 126.3921 125.7156 124.5615 "
            "124.5715 125.0689 126.8597 126.6309 126.8001 126.7105 126.8001 126.1335 125.9245 126.9891 127.8148 "
            "128.4715 128.0641 127.6059 127.5960 126.9990 126.8995 127.4865 127.3970"
        ),
        close=np.concatenate(
            (
                np.full(13, 126.0),
                _floats(
                    "127.2876 127.1781 128.0138 127.1085 127.7253 127.0587 127.3273 128.7103 127.8745 128.5809 "
                    "128.6008 127.9342 128.1133 127.5960 127.5960 128.6904 128.2725"
                ),
            )
        ),
    ),
    (
        Column(
            "%K, mean of 3",
            17,
            # The publication takes means of its own rounded figures: its fifth and sixth decimal are left out here.
            "74.2072 78.9201 70.6940 73.6004 79.2117 81.0719 80.5807 72.1928 69.2351 65.2018 54.1912 47.2428 49.2003 "
            "54.6487",
            lambda bars: momentum.stochastic(bars)[0],
        ),
    ),
)

OBV = Sheet(
    "On-balance volume",
    f"{CHART_SCHOOL}, On Balance Volume; no volume is printed for the first bar, and it does not enter",
    Bars(
        close=_floats(
            "53.26 53.30 53.32 53.72 54.19 53.92 54.65 54.60 54.21 54.53 53.79 53.66 53.56 53.57 53.94 53.27 53.60 "
            "53.65 53.62 53.27 53.44 53.28 53.14 53.31 54.09 54.08 54.01 54.17 54.24 54.45"
        ),
        volume=_floats(
            "0 8200 8100 8300 8900 9200 13300 10300 9900 10100 11300 12600 10700 11500 23800 14600 11700 10400 9500 "
            "13900 10400 4200 10900 17600 17900 15800 10200 8700 16000 12500"
        ),
    ),
    (
        Column(
            "OBV",
            2,
            "8200 16300 24600 33500 24300 37600 27300 17400 27500 16200 3600 -7100 4400 28200 13600 25300 35700 26200 "
            "12300 22700 18500 7600 25200 43100 27300 17100 25800 41800 54300",
            lambda bars: volume.obv(bars)[0],
        ),
    ),
)

CHANGE = Sheet(
    "Rate of change over 12 bars",
    f"{CHART_SCHOOL}, Rate of Change, Dow Jones Industrials, 28 April to 25 May 2010",
    Bars(
        _floats(
            "11045.27 11167.32 11008.61 11151.83 10926.77 10868.12 10520.32 10380.43 10785.14 10748.26 10896.91 "
            "10782.95 10620.16 10625.83 10510.95 10444.37 10068.01 10193.39 10066.57 10043.75"
        )
    ),
    (
        Column(
            "ROC 12",
            13,
            "-3.84879682 -4.84888048 -4.52064339 -6.34389154 -7.85923013 -6.20834146 -4.31308173 -3.24341092",
            lambda bars: momentum.rate_of_change(bars.close, 12),
        ),
    ),
)

SHEETS = (MEANS, RSI, BANDS, DIRECTIONAL, STOCHASTIC, OBV, CHANGE)
