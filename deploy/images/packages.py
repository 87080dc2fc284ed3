"""What stands in an image, told: SPDX 2.3, dpkg's own records for scanners, and the licences."""

import functools
import hashlib
import json
import re

from closure import run

_FIELDS = "Package Version Architecture Maintainer Source Depends Homepage".split()


@functools.cache
def _records():
    """{package, with and without its architecture: {field: value}} of all that is installed."""
    template = "\\n".join(f"{field}\\t${{{field}}}" for field in _FIELDS) + "\\n\\n"
    found = {}
    for record in run("dpkg-query", "-W", f"-f={template}").split("\n\n"):
        lines = (line.partition("\t") for line in record.splitlines())
        fields = {name: value for name, _, value in lines if value}
        if fields:
            found.setdefault(fields["Package"], fields)
            found[f"{fields['Package']}:{fields['Architecture']}"] = fields
    return found


def control(package):
    """{field: value} of dpkg's record of an installed package."""
    return _records()[package]


def status_record(package):
    """As dpkg keeps it in /var/lib/dpkg/status.d; scanners of images read it there."""
    fields = control(package)
    return "".join(f"{name}: {fields[name]}\n" for name in _FIELDS if name in fields)


def copyright_file(package):
    """(path, content) of the licence that Debian ships with the package."""
    path = f"/usr/share/doc/{package.split(':')[0]}/copyright"
    with open(path, "rb") as file:
        return path, file.read()


def _spdx_id(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def _debian_package(package, files):
    fields = control(package)
    purl = f"pkg:deb/debian/{fields['Package']}@{fields['Version'].replace('+', '%2B').replace(':', '%3A')}"
    return {
        "SPDXID": _spdx_id(f"deb-{package}"),
        "name": fields["Package"],
        "versionInfo": fields["Version"],
        "supplier": "Organization: Debian",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "comment": "Files: " + ", ".join(sorted(files)),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": f"{purl}?arch={fields['Architecture']}&distro=debian-12",
        }],
    }  # fmt: skip


def spdx(name, version, created, program, files_of_packages):
    """The document as text. `files_of_packages`: {package: [path in the image]}."""
    own = {
        "SPDXID": _spdx_id(name),
        "name": name,
        "versionInfo": version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION",
        "checksums": [
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(program).hexdigest()}
        ],
    }
    debian = [_debian_package(each, files) for each, files in sorted(files_of_packages.items())]
    content = hashlib.sha256(json.dumps([own, debian], sort_keys=True).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"https://oci-connector.dev/spdx/{name}-{version}-{content}",
        "creationInfo": {"created": created, "creators": ["Tool: deploy/images/build"]},
        "packages": [own, *debian],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
             "relatedSpdxElement": own["SPDXID"]},
            *({"spdxElementId": own["SPDXID"], "relationshipType": "DEPENDS_ON",
               "relatedSpdxElement": each["SPDXID"]} for each in debian),
        ],
    }  # fmt: skip
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
