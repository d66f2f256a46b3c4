"""Creates the fonts of charts: Inter, reduced to the characters that titles, axes and numbers need.

    npm pack inter-ui@4.1.1 && tar xzf inter-ui-4.1.1.tgz
    python3 -m venv .venv && .venv/bin/pip install fonttools==4.68.0 brotli==1.2.1
    .venv/bin/python scripts/font.py package/web

It keeps Latin, Greek and Cyrillic letters, drops hints and layout tables, and makes tabular digits (Inter's feature
`tnum`) the default, so that columns of numbers line up without a shaping engine. The same input gives the same
files. Inter is under the SIL Open Font License 1.1: src/chart/font/LICENSE.txt.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

KEPT = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),
    *range(0x386, 0x3CF),
    *range(0x400, 0x460),
    *(0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x2030),
    *(0x20AC, 0x20BF, 0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x2248, 0x2260, 0x2264, 0x2265, 0x221E, 0x25A1),
]
PACKAGE = Path(sys.argv[1])
TARGET = Path(__file__).parent.parent / "src" / "chart" / "font"


def equal_digits(font):
    """Maps the digits to the glyphs of the feature `tnum`."""
    substitutions = {}
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    for index in lookups:
        for subtable in table.LookupList.Lookup[index].SubTable:
            subtable = getattr(subtable, "ExtSubTable", subtable)
            substitutions.update(getattr(subtable, "mapping", {}))
    digits = [ord(character) for character in "0123456789"]
    for unicode in digits:
        for encoding in font["cmap"].tables:
            if encoding.isUnicode() and unicode in encoding.cmap:
                glyph = encoding.cmap[unicode]
                # Encodings may share a table whose digits have already been replaced.
                encoding.cmap[unicode] = substitutions.get(glyph, glyph)


for weight in ("Regular", "SemiBold"):
    font = TTFont(PACKAGE / f"Inter-{weight}.woff2", recalcTimestamp=False)
    equal_digits(font)
    options = subset.Options()
    options.layout_features = []
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=KEPT)
    subsetter.subset(font)
    font.flavor = None
    target = TARGET / f"Inter-{weight}.ttf"
    font.save(target)
    print(f"{target.name}: {target.stat().st_size} bytes, {font['maxp'].numGlyphs} glyphs")
