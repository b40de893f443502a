#!/usr/bin/env python3
"""Records what the demo needs of npm and PyPI: lockfiles of old versions, and the registries' answers about them.

    python3 handlers/cli/src/demo/record.py

Reads  projects/*/package.json_fixture
Writes projects/*/package-lock.json_fixture, projects/report/requirements.txt_fixture, recorded/npm.json, recorded/pypi.json

The addresses of the registries are asked of npm and pip when it runs, and replaced in everything that is written by
https://registry.example/. Versions change only where PINNED and PYTHON change; newer releases are added to the recording.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = "https://registry.example/"

# The old versions that a project is locked to, where npm would take newer ones.
PINNED = {
    "api": {"https-proxy-agent": "5.0.0", "agent-base": "6.0.2", "debug": "4.1.1", "humanize-ms": "1.2.0"},
    "worker": {
        "lodash": "4.17.20", "mkdirp": "0.5.1", "minimist": "0.0.8", "moment": "2.29.1", "semver": "7.3.2", "yargs": "15.4.1",
        "y18n": "4.0.0", "ansi-regex": "5.0.0", "cliui": "6.0.0", "string-width": "4.2.0", "strip-ansi": "6.0.0",
    },
}
# The requirements of the Python project, all that they need included.
PYTHON = {
    "certifi": "2022.12.7", "charset-normalizer": "3.1.0", "idna": "3.4", "jinja2": "3.1.2", "markupsafe": "2.1.2",
    "requests": "2.30.0", "urllib3": "1.26.15",
}
# Members of a version that a lockfile entry or a plan can need.
KEPT = [
    "license", "funding", "bin", "engines", "os", "cpu", "libc", "dependencies", "optionalDependencies",
    "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "hasInstallScript", "deprecated",
]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def get(address, accept):
    with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": accept})) as reply:
        return reply.read()


def order(version):
    """A key that sorts versions of numbers; a pre-release goes before its release."""
    return [int(part) for part in re.findall(r"\d+", version.split("-")[0])], "-" not in version


def lock(project, registry):
    """Has npm write the lockfile: first with everything pinned, then as the manifest has it, which keeps what is locked."""
    manifest = json.loads((HERE / "projects" / project / "package.json_fixture").read_text())
    pins = PINNED[project]
    pinned = json.loads(json.dumps(manifest))
    for kind in ("dependencies", "devDependencies"):
        for name in pinned.get(kind, {}):
            pinned[kind][name] = pins.get(name, pinned[kind][name])
    direct = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
    pinned["overrides"] = {name: version for name, version in pins.items() if name not in direct}
    with tempfile.TemporaryDirectory() as folder:
        for step in (pinned, manifest):
            pathlib.Path(folder, "package.json").write_text(json.dumps(step, indent=2) + "\n")
            subprocess.run(
                ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund",
                 "--lockfile-version=3", "--omit-lockfile-registry-resolved=false"],
                cwd=folder, check=True, capture_output=True,
            )
        text = pathlib.Path(folder, "package-lock.json").read_text().replace(registry, EXAMPLE)
    (HERE / "projects" / project / "package-lock.json_fixture").write_text(text)
    return json.loads(text)


def packument(name, registry):
    """What the registry says of a package, without pre-releases and without members that nobody needs."""
    document = json.loads(get(registry + name.replace("/", "%2f"), "application/json"))
    versions = {}
    for version, entry in document["versions"].items():
        if "-" in version:
            continue
        kept = {member: entry[member] for member in KEPT if entry.get(member)}
        if isinstance(kept.get("bin"), str):
            kept["name"] = name
        scripts = entry.get("scripts") or {}
        if any(scripts.get(script) for script in ("preinstall", "install", "postinstall")):
            kept["hasInstallScript"] = True
        dist = entry["dist"]
        tarball = dist["tarball"].replace(registry, EXAMPLE)
        assert tarball.startswith(EXAMPLE), tarball
        hashes = {"integrity": dist["integrity"]} if dist.get("integrity") else {"shasum": dist["shasum"]}
        versions[version] = {**kept, "dist": {**hashes, "tarball": tarball}}
    time = {version: document["time"][version] for version in versions}
    return {"name": name, "versions": versions, "time": time}


def npm(registry):
    """The packages of the lockfiles, and what their versions need: of the direct ones up to the next major, of the others
    the majors that are locked or asked for. Never of versions before the locked one: nothing goes back there. Of what is
    in no lockfile, only those majors are kept."""
    wanted, locked = [], {}
    for project in PINNED:
        packages = lock(project, registry)["packages"]
        root = packages.pop("")
        for place, entry in packages.items():
            name, major = place.rsplit("node_modules/", 1)[1], order(entry["version"])[0][0]
            wanted.append((name, major))
            locked[name] = min(locked.get(name, entry["version"]), entry["version"], key=order)
            if name in {**root.get("dependencies", {}), **root.get("devDependencies", {})}:
                wanted.append((name, major + 1))
    recorded, followed = {}, set()
    while wanted:
        name, major = wanted.pop()
        if (name, major) in followed:
            continue
        followed.add((name, major))
        if name not in recorded:
            recorded[name] = packument(name, registry)
        for version, entry in recorded[name]["versions"].items():
            if order(version)[0][0] == major and order(version) >= order(locked.get(name, "0.0.0")):
                needs = {**entry.get("dependencies", {}), **entry.get("optionalDependencies", {})}
                wanted.extend((need, int(number)) for need, range in needs.items() for number in re.findall(r"(?:^|[\^~=> v|])(\d+)", range))
    for name in recorded.keys() - locked.keys():
        document = recorded[name]
        for version in [version for version in document["versions"] if (name, order(version)[0][0]) not in followed]:
            del document["versions"][version], document["time"][version]
    return recorded


def pypi(index):
    """Pages and metadata of the releases since 2020. Of wheels for one platform, all of the
    pinned release and one of the others: there are thousands, and only hashes of the former are in the requirements."""
    recorded = {}
    for name, pinned in PYTHON.items():
        page = json.loads(get(f"{index}{name}/", "application/vnd.pypi.simple.v1+json"))
        files, metadata, versions = [], {}, set()
        for file in page["files"]:
            match = re.fullmatch(r"[A-Za-z0-9_.\-]+?-(\d[A-Za-z0-9.]*?)(-.*\.whl|\.tar\.gz)", file["filename"])
            if not match or file["upload-time"][:4] < "2020" or re.search(r"[a-z]", match[1]):
                continue
            is_of_one_platform = file["filename"].endswith(".whl") and not file["filename"].endswith("-any.whl")
            if is_of_one_platform and match[1] != pinned and not re.search(r"-cp312-cp312-.*manylinux.*x86_64", file["filename"]):
                continue
            versions.add(match[1])
            has_metadata = False
            if file["filename"].endswith(".whl") and match[1] not in metadata:
                try:
                    metadata[match[1]] = headers(get(file["url"] + ".metadata", "*/*").decode())
                    has_metadata = True
                except urllib.error.HTTPError:
                    pass
            entry = {"filename": file["filename"], "url": f"{EXAMPLE}files/{file['filename']}",
                     "hashes": {"sha256": file["hashes"]["sha256"]}, "requires-python": file.get("requires-python"),
                     "upload-time": file["upload-time"], "yanked": file["yanked"], "core-metadata": has_metadata}
            files.append(entry)
        # A release whose metadata the index does not have could be of no use.
        versions &= metadata.keys()
        files = [file for file in files if any(f"-{version}{end}" in file["filename"] for version in versions for end in ("-", ".tar"))]
        assert pinned in versions, (name, pinned)
        recorded[name] = {
            "page": {"meta": {"api-version": "1.1"}, "name": name, "versions": sorted(versions, key=order), "files": files},
            "metadata": metadata,
        }
    return recorded


def headers(text):
    """The headers of a metadata file that a plan can need."""
    lines = text.split("\n\n", 1)[0].splitlines()
    kept = ("Metadata-Version:", "Name:", "Version:", "Requires-Python:", "Requires-Dist:", "Provides-Extra:")
    return "\n".join(line for line in lines if line.startswith(kept)) + "\n"


def requirements(recorded):
    lines = ["# Every hash of every release, as `pip install --require-hashes` wants them.", f"--index-url {EXAMPLE}simple/", ""]
    for name, version in PYTHON.items():
        hashes = sorted(file["hashes"]["sha256"] for file in recorded[name]["page"]["files"]
                        if re.search(rf"-{re.escape(version)}(-.*\.whl|\.tar\.gz)$", file["filename"]))
        lines.append(" \\\n".join([f"{name}=={version}"] + [f"    --hash=sha256:{hash}" for hash in hashes]))
    (HERE / "projects/report/requirements.txt_fixture").write_text("\n".join(lines) + "\n")


def write(path, recorded):
    """One package a line, so that a change of the recording can be read."""
    lines = [f"{json.dumps(name)}: {json.dumps(recorded[name], separators=(',', ':'), ensure_ascii=False)}" for name in sorted(recorded)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    registry = output("npm", "config", "get", "registry").rstrip("/") + "/"
    index = output("python3", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)").rstrip("/") + "/"
    (HERE / "recorded").mkdir(exist_ok=True)
    write(HERE / "recorded/npm.json", npm(registry))
    python = pypi(index)
    write(HERE / "recorded/pypi.json", python)
    requirements(python)


if __name__ == "__main__":
    main()
