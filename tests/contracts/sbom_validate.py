#!/usr/bin/env python3
"""Checks bills of materials against the published schemas and rules.

    python3 sbom_validate.py FILE_OR_FOLDER...

*.cdx.json is checked by the strict CycloneDX 1.6 validator of cyclonedx-python-lib, *.spdx.json by the validator of
spdx-tools as SPDX 2.3. Needs `pip install 'cyclonedx-python-lib[json-validation]' spdx-tools`.

Prints one line a document and one a fault. Exit 0: all are valid. 1: some are not. 2: nothing to check, or a file that
is neither. 3: a validator is not installed.
"""

import sys
from pathlib import Path

try:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
except ImportError as missing:
    print(f"a validator is not installed: {missing}", file=sys.stderr)
    sys.exit(3)


def cyclonedx_faults(path):
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text(encoding="utf-8"), all_errors=True)
    return [briefly(str(fault)) for fault in faults or ()]


def briefly(message):
    """What is wrong, and where, without the schema in between."""
    lines = message.splitlines()
    return " ".join(lines[:1] + [line for line in lines if line.startswith("On instance")])


def spdx_faults(path):
    try:
        document = parse_file(str(path))
    except SPDXParsingError as error:
        return error.get_messages()
    return [
        f"{fault.context.spdx_id}: {fault.validation_message}"
        for fault in validate_full_spdx_document(document, "SPDX-2.3")
    ]


CHECKS = {".cdx.json": cyclonedx_faults, ".spdx.json": spdx_faults}


def check_of(path):
    return next((check for ending, check in CHECKS.items() if path.name.endswith(ending)), None)


def main(arguments):
    paths = []
    for path in map(Path, arguments):
        found = [inner for inner in sorted(path.iterdir()) if check_of(inner)] if path.is_dir() else [path]
        paths.extend(found)
    strange = [path for path in paths if not path.is_file() or check_of(path) is None]
    if strange or not paths:
        print(f"not a bill of materials: {', '.join(map(str, strange)) or 'no file at all'}", file=sys.stderr)
        return 2
    broken = 0
    for path in paths:
        faults = check_of(path)(path)
        broken += bool(faults)
        print(f"{'not valid' if faults else 'valid'}: {path.name}")
        for fault in faults:
            print(f"  {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
