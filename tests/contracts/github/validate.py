"""Holds answers against GitHub's description of its API: validate.py api.github.com.json rows.json"""

import json
import sys

import jsonschema

document = json.load(open(sys.argv[1]))
operations = {
    operation["operationId"]: operation
    for path in document["paths"].values()
    for operation in path.values()
    if isinstance(operation, dict) and "operationId" in operation
}


def plain(schema):
    """The description is of OpenAPI 3.0, which writes `nullable` where JSON Schema has a type."""
    if isinstance(schema, list):
        return [plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    nullable = schema.get("nullable") is True
    # An account is one or the other; one place of the description wants it to be both.
    if [one.get("title") for one in schema.get("allOf", [])] == ["Simple User", "Enterprise"]:
        schema = {"anyOf": schema["allOf"]}
    schema = {key: plain(value) for key, value in schema.items() if key not in ("nullable", "example", "examples")}
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


def resolved(value):
    while "$ref" in value:
        at = document
        for part in value["$ref"].lstrip("#/").split("/"):
            at = at[part]
        value = at
    return value


components = {"schemas": {name: plain(schema) for name, schema in document["components"]["schemas"].items()}}
wrong = []
for row in json.load(open(sys.argv[2])):
    responses = operations[row["operation"]]["responses"]
    if row["status"] not in responses:
        wrong.append(f"{row['operation']}: {row['status']} is no answer to it")
        continue
    content = resolved(responses[row["status"]]).get("content", {})
    if "application/json" not in content:
        continue
    schema = {**plain(content["application/json"]["schema"]), "components": components}
    for error in jsonschema.Draft7Validator(schema).iter_errors(row["body"]):
        cause = jsonschema.exceptions.best_match([error])
        wrong.append(f"{row['operation']} at {list(cause.absolute_path)}: {cause.message[:160]} … {cause.message[-160:]}")
print("\n".join(wrong))
sys.exit(bool(wrong))
