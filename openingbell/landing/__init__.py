"""data_extracts/ as a place: landed files and their manifests. This is the record; everything else can be rebuilt.

A landed file is written whole, flushed to the disk and renamed into place; its manifest follows the same way and is
what makes it count. A crash between the two leaves a file that nobody reads. Nothing is ever moved or changed, and
nothing goes; only the form of old files may be a smaller one.

    data_extracts/<feed>/<load_id>.csv     the vendor's fields as text, with `symbol` and `answered_at` in front
    data_extracts/<feed>/<load_id>.csv.gz  the same, compressed some time after it landed
    data_extracts/<feed>/<load_id>.json    the manifest; its SHA-256 is of the CSV
    data_extracts/<feed>/*.part            answers of a file that is not whole yet; the next run lands what is there
    data_extracts/unreadable/              answers that could not be read at all, as they came
    data_extracts/.index/                  the manifests in columns, so that years of them open at once; only a cache
"""

from openingbell.landing.batch import Batch
from openingbell.landing.compress import Compressed, compress
from openingbell.landing.files import MISFIT, write_durably
from openingbell.landing.manifests import Ask, Manifest, Outcome, asks_of
from openingbell.landing.place import Landing
from openingbell.landing.record import Record, record_of

__all__ = [
    "MISFIT", "Ask", "Batch", "Compressed", "Landing", "Manifest", "Outcome", "Record", "asks_of", "compress",
    "record_of", "write_durably",
]  # fmt: skip
