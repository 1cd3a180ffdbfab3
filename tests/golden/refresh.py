"""Write the golden figures anew, by hand: `python -m tests.golden.refresh`.

Whoever does says why in CHANGELOG.md, in an entry marked RESULTS.
"""

import json

from tests.golden.runs import FILE, figures


def main():
    """Replace the kept figures by those of today's code and say what moved."""
    before = json.loads(FILE.read_text()) if FILE.exists() else {}
    after = figures()
    FILE.write_text(json.dumps(after, indent=1) + "\n")
    for name, run in after.items():
        old = before.get(name, {"head": None, "balance": {}, "figures": {}})
        then, now = (one["balance"] | one["figures"] for one in (old, run))
        moved = [key for key, value in now.items() if then.get(key) != value]
        head = "the same head" if old["head"] == run["head"] else "another head"
        print(f"{name}: {head}, {len(moved)} figures moved")
        for key in moved:
            print(f"  {key}: {then.get(key)} -> {now[key]}")


if __name__ == "__main__":
    main()
