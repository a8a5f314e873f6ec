#!/usr/bin/env python3
"""Writes methods.json: the methods of each revision, from the specification's JSON schemas.

Usage: extract.py FOLDER > methods.json, where FOLDER is `schema` of a checkout of
https://github.com/modelcontextprotocol/modelcontextprotocol.
"""

import json
import pathlib
import sys

UNIONS = {
    "client_requests": "ClientRequest",
    "client_notifications": "ClientNotification",
    "server_requests": "ServerRequest",
    "server_notifications": "ServerNotification",
    "input_requests": "InputRequest",
}


def methods(definitions, union):
    union = definitions.get(union, {})
    parts = [definitions[part["$ref"].rsplit("/", 1)[1]] for part in union.get("anyOf", [])]
    consts = [part["properties"]["method"]["const"] for part in parts or [union] if part]
    return sorted(consts)


def main():
    revisions = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("20*/schema.json")):
        schema = json.loads(path.read_text())
        definitions = schema.get("$defs") or schema["definitions"]
        revisions[path.parent.name] = {name: methods(definitions, union) for name, union in UNIONS.items()}
    source = "schema/*/schema.json of https://github.com/modelcontextprotocol/modelcontextprotocol"
    print(json.dumps({"source": source, "revisions": revisions}, indent=2))


main()
