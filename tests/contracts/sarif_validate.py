#!/usr/bin/env python3
"""Checks SARIF logs against the published schema, and rules of the specification that a schema can't say.

    python3 sarif_validate.py SCHEMA FILE_OR_FOLDER...

SCHEMA is sarif-schema-2.1.0.json of the OASIS specification (the crate `serde-sarif` ships it as `src/schema.json`).
Needs `pip install 'jsonschema[format]'`.

Prints one line a log and one a fault. Exit 0: all are valid. 1: some are not. 2: nothing to check. 3: the validator is
not installed.
"""

import json
import sys
from pathlib import Path

try:
    from jsonschema import Draft7Validator
except ImportError as missing:
    print(f"a validator is not installed: {missing}", file=sys.stderr)
    sys.exit(3)


def beyond_the_schema(log):
    for number, run in enumerate(log.get("runs", [])):
        rules = run["tool"]["driver"].get("rules", [])
        ids = [rule["id"] for rule in rules]
        if len(ids) != len(set(ids)):
            yield f"runs[{number}]: rule ids are not unique"
        for at, result in enumerate(run.get("results", [])):
            index = result.get("ruleIndex", -1)
            if not 0 <= index < len(rules) or ids[index] != result["ruleId"]:
                yield f"runs[{number}].results[{at}]: ruleIndex {index} is not the rule {result['ruleId']}"


def faults(path, validator):
    log = json.loads(path.read_text(encoding="utf-8"))
    found = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(log)]
    return found or list(beyond_the_schema(log))


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    schema = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    validator = Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
    paths = []
    for path in map(Path, arguments[1:]):
        paths.extend(sorted(path.glob("*.sarif")) if path.is_dir() else [path])
    if not paths or not all(path.is_file() for path in paths):
        print("no such log", file=sys.stderr)
        return 2
    broken = 0
    for path in paths:
        found = faults(path, validator)
        broken += bool(found)
        print(f"{'not valid' if found else 'valid'}: {path.name}")
        for fault in found:
            print(f"  {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
