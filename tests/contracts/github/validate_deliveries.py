"""Holds deliveries against GitHub's schemas of them: validate_deliveries.py schema.json rows.json"""

import json
import sys

import jsonschema

definitions = json.load(open(sys.argv[1]))["definitions"]
wrong = []
for row in json.load(open(sys.argv[2])):
    event, body = row["event"], row["body"]
    name = f"{event}${body.get('action', 'event')}"
    if name not in definitions:
        wrong.append(f"{name}: there is no such delivery")
        continue
    validator = jsonschema.Draft7Validator({**definitions[name], "definitions": definitions})
    for error in validator.iter_errors(body):
        cause = jsonschema.exceptions.best_match([error])
        wrong.append(f"{name} at {list(cause.absolute_path)}: {cause.message[:160]} … {cause.message[-160:]}")
print("\n".join(wrong))
sys.exit(bool(wrong))
