"""Makes the sample images, and says of them what Sluice has to find out by itself.

Needs Pillow; the facts are Python's own (hashlib, base64). Run it in this folder: the files that are committed were made so.
"""

import base64
import csv
import hashlib
from pathlib import Path

from PIL import Image

FILES = {"card.png": {"optimize": True}, "card.jpg": {"quality": 80}}

picture = Image.new("RGB", (64, 40))
picture.putdata([(29 + 3 * x, 78 + 4 * y, 216) for y in range(40) for x in range(64)])

with open("facts.csv", "w", newline="") as out:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["file", "media_type", "width", "height", "bytes", "sha256", "md5", "base64"])
    for name, options in FILES.items():
        picture.save(name, **options)
        data = Path(name).read_bytes()
        with Image.open(name) as read:
            read.load()
            facts = [name, Image.MIME[read.format], *read.size, len(data)]
        digests = [hashlib.new(which, data).hexdigest() for which in ("sha256", "md5")]
        rows.writerow([*facts, *digests, base64.b64encode(data).decode()])
