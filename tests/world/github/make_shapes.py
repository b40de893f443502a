"""Writes shapes.json: the least that GitHub's own descriptions let each answer and each delivery be. The simulation puts its values over
them.

Usage: make_shapes.py .../@octokit/openapi/generated/api.github.com.json .../@octokit/webhooks-schemas/schema.json > shapes.json
"""

import json
import sys

# Name of a shape, the operations that answer it, and where in their answers it is.
SHAPES = {
    "app": [("apps/get-authenticated", [])],
    "hook": [("apps/get-webhook-config-for-app", [])],
    "installation": [("apps/list-installations", [0]), ("apps/get-repo-installation", [])],
    "token": [("apps/create-installation-access-token", [])],
    "new_app": [("apps/create-from-manifest", [])],
    "repository_hook": [("repos/list-webhooks", [0]), ("repos/create-webhook", [])],
    "delivery": [("apps/list-webhook-deliveries", [0])],
    "user": [("users/get-authenticated", [])],
    "repository": [("repos/get", []), ("apps/list-repos-accessible-to-installation", ["repositories", 0])],
    "reference": [("git/get-ref", [])],
    "tree": [("git/get-tree", [])],
    "blob": [("git/get-blob", []), ("git/create-blob", [])],
    "git_commit": [("git/create-commit", [])],
    "commit": [("repos/get-commit", [])],
    "file": [("repos/compare-commits", ["files", 0])],
    "comparison": [("repos/compare-commits", [])],
    "pull": [("pulls/get", []), ("pulls/list", [0])],
    "review": [("pulls/list-reviews", [0])],
    "label": [("issues/get-label", [])],
    "comment": [("issues/list-comments", [0]), ("issues/create-comment", [])],
    "issue": [("issues/list-for-repo", [0]), ("issues/create", [])],
    "check_run": [("checks/create", [])],
    "status": [("repos/get-combined-status-for-ref", ["statuses", 0])],
    "statuses": [("repos/get-combined-status-for-ref", [])],
    "dependabot": [("dependabot/list-alerts-for-repo", [0]), ("dependabot/get-alert", [])],
    "code": [("code-scanning/list-alerts-for-repo", [0]), ("code-scanning/get-alert", [])],
    "secret": [("secret-scanning/list-alerts-for-repo", [0]), ("secret-scanning/get-alert", [])],
    "location": [("secret-scanning/list-locations-for-alert", [0])],
}

# Name of a shape, and where in the descriptions of deliveries it is.
TOLD = {
    "told_repository": ["definitions", "repository"],
    "told_commit": ["definitions", "commit"],
    "told_pull": ["definitions", "pull-request"],
    "told_dependabot_alert": ["definitions", "dependabot-alert"],
    "told_github": ["definitions", "github-org"],
    "told_secret_alert": ["definitions", "secret-scanning-alert"],
    "told_reopened_secret_alert": ["definitions", "secret_scanning_alert$reopened", "properties", "alert"],
    "told_check_run": ["definitions", "check_run$completed", "properties", "check_run"],
}

# What is not required and is read or told all the same.
WANTED = {"slug", "title", "verification", "default_branch", "archived", "disabled", "output", "labels", "files", "app", "user", "creator"}

api, deliveries = (json.load(open(file)) for file in sys.argv[1:])
document = api
operations = {
    operation["operationId"]: operation
    for path in api["paths"].values()
    for operation in path.values()
    if isinstance(operation, dict) and "operationId" in operation
}


def resolved(schema):
    while "$ref" in schema:
        at = document
        for part in schema["$ref"].lstrip("#/").split("/"):
            at = at[part]
        schema = at
    return schema


def below(schema, where):
    for step in where:
        schema = resolved(schema)
        schema = schema["items"] if step == 0 else schema["properties"][step]
    return schema


def kinds(schema):
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def least(schema, depth=0):
    schema = resolved(schema)
    if depth and (schema.get("nullable") or "null" in kinds(schema)):
        return None
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in ("oneOf", "anyOf"):
        if depth and {"type": "null"} in schema.get(choice, []):
            return None
        if choice in schema and "properties" not in schema:
            return least(schema[choice][0], depth + 1)
    if "allOf" in schema:
        whole = {}
        for part in schema["allOf"]:
            whole.update(least(part, depth + 1) or {})
        return whole
    kind = (kinds(schema) or ["object" if "properties" in schema else None])[0]
    if kind == "object":
        properties = schema.get("properties", {})
        wanted = [name for name in properties if name in schema.get("required", []) or name in WANTED and depth < 2]
        return {name: least(properties[name], depth + 1) for name in wanted}
    if kind == "array":
        return [least(schema["items"], depth + 1)] * schema.get("minItems", 0)
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    formats = {"date-time": "2026-01-01T00:00:00Z", "uri": "https://github.example/", "email": "none@github.example"}
    if schema.get("format") in formats:
        return formats[schema["format"]]
    return "x" * schema.get("minLength", 0)


def merged(base, other):
    if isinstance(base, dict) and isinstance(other, dict):
        return {key: merged(base.get(key), other.get(key)) if key in base and key in other else base.get(key, other.get(key)) for key in {**base, **other}}
    return base if base is not None else other


shapes = {}
for name, places in SHAPES.items():
    shape = None
    for operation, where in places:
        responses = operations[operation]["responses"]
        success = next(resolved(responses[status]) for status in responses if status.startswith("2"))
        shape = merged(shape, least(below(success["content"]["application/json"]["schema"], where)))
    shapes[name] = shape
document = deliveries
for name, where in TOLD.items():
    schema = deliveries
    for step in where:
        schema = schema[step]
    shapes[name] = least(schema)
json.dump(shapes, sys.stdout, indent=1, sort_keys=True)
sys.stdout.write("\n")
