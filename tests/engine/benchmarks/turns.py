"""Appends its name to a file and prints how many runs there were: a process of a comparison."""

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    path, name = Path(sys.argv[1]), sys.argv[2]
    with path.open("a", encoding="utf-8") as file:
        file.write(name)
    if name == "broken":
        sys.exit("there is no device")
    print("a line before it")
    print(json.dumps({"runs": len(path.read_text(encoding="utf-8"))}))
