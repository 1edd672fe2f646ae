"""Judge a folder as an RO-Crate, with two programs that are not ours: crate_valid.py FOLDER [SEVERITY]

roc-validator checks RO-Crate 1.1 and the profile Process Run Crate 0.5; rocrate reads it as its users would. Nothing is
fetched: the one remote context is the copy that rocrate brings along. Prints JSON.
"""
import json
import sys
from pathlib import Path

import rdflib.plugins.shared.jsonld.context as jsonld
import requests
import rocrate
from rocrate.rocrate import ROCrate
from rocrate_validator import services
from rocrate_validator.utils.http import HttpRequester

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
text = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text()
assert json.loads(text)["@id"] == CONTEXT, "pin the rocrate that brings the context of RO-Crate 1.1"


def get(_self, url, **_options):
    if url != CONTEXT:
        raise RuntimeError(f"wanted from the network: {url}")
    response = requests.Response()
    response.status_code, response._content = 200, text.encode()
    response.headers["Content-Type"] = "application/ld+json"
    return response


def fetch_context(_self, source, base, seen):
    if source != CONTEXT:
        raise RuntimeError(f"wanted from the network: {source}")
    return json.loads(text)


HttpRequester.get = get
jsonld.Context._fetch_context = fetch_context

folder, severity = sys.argv[1], (sys.argv[2:] or ["REQUIRED"])[0]
issues, profiles = [], []
for profile in ("ro-crate-1.1", "process-run-crate"):
    result = services.validate(
        services.ValidationSettings(
            rocrate_uri=folder,
            profile_identifier=profile,
            requirement_severity=severity,
            enable_profile_inheritance=True,
        )
    )
    profiles.append(profile)
    issues += [f"{issue.severity.name} {issue.check.identifier}: {issue.message}" for issue in result.get_issues()]

crate = ROCrate(folder)
actions = [e for e in crate.get_entities() if e.type == "CreateAction"]
print(
    json.dumps(
        {
            "versions": {"roc-validator": __import__("importlib.metadata").metadata.version("roc-validator")},
            "profiles": profiles,
            "issues": sorted(set(issues)),
            "files": sorted(e.id for e in crate.data_entities if e.type == "File"),
            "actions": {
                a.id: sorted(r.id for r in (a["result"] if isinstance(a["result"], list) else [a["result"]])) for a in actions
            },
        }
    )
)
