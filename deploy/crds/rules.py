"""What the schema of the Kubernetes API says beyond the types in resource.proto.

One table, RULES: for a message, a field, the entries of a list (`field[]`) or the values of a mapping
(`field{}`), the chains of checks that it has to pass. Of a chain only the first check that fails
speaks. `bad` is a CEL expression over `self` that is true of what is refused; `says` is the sentence,
the very one that common/resource/validation.cc says.

What is not here: that a required text is not empty, and that fields exclude each other in a oneof,
comes from the proto; names used twice, unknown classes and missing Secrets are the controller's.
"""

from typing import NamedTuple

import auth_kinds


class Check(NamedTuple):
    bad: str  # CEL over `self`.
    says: str
    computed: bool = False  # `says` is CEL too, since the sentence holds a value.


class Chain(NamedTuple):
    checks: list
    at: str = ""  # The field that is to blame, below the one that the rule stands on.
    unless: str = ""  # CEL: where it is true there is nothing to check.
    refused: str = ""  # CEL that is true where any check is, if there is a cheaper one than all.
    reason: str = "FieldValueInvalid"


def one(bad, says, at="", **options):
    return Chain([Check(bad, says)], at, **options)


NAME_HELP = "write lower-case letters, digits and '-', such as harbor"
VALID_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
LABEL = f"!self.matches('^{VALID_LABEL}$')"
# The length of the whole is bounded by the schema.
SUBDOMAIN = rf"!self.matches(r'^{VALID_LABEL}(\.{VALID_LABEL})*$')"

REPOSITORY_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
# Repository names in which single stars stand for letters, and a component may be two stars.
STARS = r"[a-z0-9*]+((\.|__?|-+)[a-z0-9*]+)*"


def not_a_pattern(text):
    return rf"!{text}.matches(r'^{STARS}(/{STARS})*$') || {text}.matches(r'[^/]\*\*|\*\*[^/]')"


# As common/http/origin.cc reads a URL, in its order.
SCHEME = "^[^:]*://"
NUMBERS = "([0-9]+|0[xX][^./?:]*)"  # A last label that only an address may have.
PORT = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
NOT_A_HOST = "the host is not a DNS name or an IP address"
URL_PROBLEMS = [
    (
        r"!self.matches(r'^[!#-;=?-\[\]-~]*$')",
        "the URL holds white space, a control character, a backslash or non-ASCII text",
    ),
    ("!self.matches('^[^:/?#]+:')", "the URL has no scheme; write https://HOST"),
    ("!self.matches('^(?i:https?):')", "the scheme must be https or http"),
    (f"!self.matches('{SCHEME}')", "the scheme must be followed by //HOST"),
    ("self.contains('#')", "a fragment (#...) is not allowed"),
    (f"self.matches('{SCHEME}[^/?]*@')", "user information before '@' is not allowed"),
    (rf"self.matches(r'{SCHEME}\[[^]/?]*([/?]|$)')", "'[' without ']' in the host"),
    (rf"self.matches(r'{SCHEME}\[[^]]*\][^:/?]')", "unexpected text after ']'"),
    (
        (
            rf"self.matches(r'{SCHEME}\[') && !(isIP(self.find(r'\[[^]]*').substring(1)) "
            r"&& self.matches(r'\[[^]]*:'))"
        ),
        "the bracketed host is not an IPv6 address",
    ),
    (f"self.matches('{SCHEME}([:/?]|$)')", "the host is empty"),
    (
        (
            rf"!self.matches(r'{SCHEME}(\[|[A-Za-z0-9_-][A-Za-z0-9._-]{{0,252}}([:/?]|$))') || "
            rf"self.matches(r'{SCHEME}[^/?:]*\.\.')"
        ),
        NOT_A_HOST,
    ),
    (
        (
            rf"self.matches(r'{SCHEME}([^/?:]*\.)?{NUMBERS}([:/?]|$)') && "
            "!isIP(self.find('://[^/?:]*').substring(3))"
        ),
        "the host looks like an IP address in a short or non-decimal form",
    ),
    (
        rf"!self.matches(r'{SCHEME}(\[[^]]*\]|[^[/?:]*)(:{PORT})?([/?]|$)')",
        "the port must be a number from 1 to 65535",
    ),
]
# All of them at once, for where one sentence says it.
NOT_A_URL = (
    r"!self.matches(r'^(?i:https?)://([\w-]+(\.[\w-]+)*\.?|\[[^]]+:[^]]*\])"
    rf"(:{PORT})?([/?][!$-;=?-\[\]-~]*)?$') || "
    r"(self.matches(r'://\[') && !isIP(self.find(r'\[[^]]*').substring(1))) || "
    rf"(self.matches(r'://([^/?:]*\.)?{NUMBERS}([:/?]|$)') && "
    "!isIP(self.find('://[^/?:]*').substring(3)))"
)


def url(before, after):
    return [Check(bad, f"{before}{problem}{after}") for bad, problem in URL_PROBLEMS]


INSECURE = "(has(self.allowInsecureUpstream) && self.allowInsecureUpstream)"
INSECURE_UPSTREAM = (
    "(has(self.upstream) && has(self.upstream.allowInsecureUpstream) "
    "&& self.upstream.allowInsecureUpstream)"
)


# A host without a port, as a redirect may go to. The text is in `of`.
def not_a_host(of):
    return (
        f"({of}.contains(':') ? !isIP({of}) : "
        rf"!{of}.matches(r'^[A-Za-z0-9_-][A-Za-z0-9._-]{{0,252}}$') || {of}.contains('..') || "
        rf"({of}.matches(r'(^|\.){NUMBERS}$') && !isIP({of})))"
    )


# 24h and its parts fit into what CEL can count; with any number of leading zeros.
DURATION = "".join(
    f"(0*[0-9]{{1,{digits}}}{unit})?"
    for digits, unit in ((5, "h"), (7, "m"), (8, "s"), (11, "ms"), (14, "us"), (17, "ns"))
)
ANY_DURATION = "".join(f"([0-9]+{unit})?" for unit in ("h", "m", "s", "ms", "us", "ns"))
# Of every google.protobuf.Duration that has no rule of its own: to the API server it is a text.
TIMEOUT = Chain(
    [
        Check(
            f"self == '' || !self.matches('^{ANY_DURATION}$')",
            "is not a duration; write for example 250ms, 5s or 1m30s",
        ),
        Check(
            f"!self.matches('^{DURATION}$') || duration(self) >= duration('24h1ms')",
            "is longer than a day; write at most 24h",
        ),
        Check(
            "duration(self) < duration('1ms')",
            "is zero; write at least 1ms, or remove the key for the default",
        ),
    ]
)

VAULT_SEGMENTS = [
    (
        "self.startsWith('/') || self.endsWith('/') || self.contains('//')",
        "has an empty segment; write it without a slash at either end and without //",
    ),
    (r"self.matches(r'(^|/)\.\.?(/|$)')", "has a segment of dots alone"),
    (
        "!self.matches('^[A-Za-z0-9._~@+=:/-]*$')",
        "holds a character that is not a letter, a digit or one of ._~@+=:-",
    ),
]
VAULT_PATH = [
    *VAULT_SEGMENTS,
    ("self.startsWith('v1/')", "starts with v1/; write the path without it"),
    ("!self.contains('/')", "has no segment after the mount's"),
]

PATH_END = "; write a relative path such as containerd/hosts.toml"

AUTH_NAMES = [kind.name for kind in auth_kinds.KINDS]
def given(field):
    return f"(has(self.{field}) && self.{field} != '')"


SECRET_KEY = one(
    "!self.matches('^[-._a-zA-Z0-9]*$') || self == '.' || self == '..'",
    "is not a key of a Secret; write letters, digits, '-', '_' and '.'",
)
AUTH_NAME = one(
    f"!(self in {AUTH_NAMES})",
    f"is not supported by this release ({auth_kinds.listed(auth_kinds.RESERVED, 'and')} "
    f"{'are' if auth_kinds.RESERVED[1:] else 'is'} not yet); write "
    f"{auth_kinds.listed(AUTH_NAMES, 'or')}",
)
NEEDS_SECRET = f"self.name in {[kind.name for kind in auth_kinds.KINDS if kind.reads_secret]}"
SECRET_NEVER_READ = [
    one(
        f"self.name == '{kind.name}' && has(self.{one_of}) && !has(self.{other})",
        f"is never read with {kind.name}; remove it, or write name: tokenAuth",
        at=f".{one_of}",
    )
    for kind in auth_kinds.KINDS
    if not kind.reads_secret
    for one_of, other in (("secretRef", "vaultRef"), ("vaultRef", "secretRef"))
]
STATIC_NEEDS_CONSENT = [
    one(
        f"self.name == '{kind.name}' && !(has(self.allowStatic) && self.allowStatic)",
        f"{kind.name} is of the class static: the password itself must reach the memory of every "
        "data plane; use tokenAuth, or accept it by writing allowStatic: true",
        at=".allowStatic",
    )
    for kind in auth_kinds.KINDS
    if kind.secret_class == "static"
]
# Which kind knows which parameter is what common/resource/validation.cc says.
UNKNOWN_PARAMETER = " && ".join(["self.name != ''", *(f"self.name != '{n}'" for n in auth_kinds.PARAMETERS)])

RULES = {
    "Connector.metadata.name": [
        Chain(
            [
                Check("self.contains('.')", f"is not a DNS label; {NAME_HELP}"),
                Check(
                    "self.size() > 61",
                    "is too long for its host name c-NAME, which is one DNS label; write at most 61 "
                    "characters",
                ),
            ]
        )
    ],
    "ConnectorSpec": [
        one(
            "!has(self.auth)",
            "is missing; write {name: tokenAuth, secretRef: {name: SECRET}}, or {name: anonymous} "
            "for a registry that asks for no credential",
            at=".auth",
            reason="FieldValueRequired",
        ),
        one(
            f"self.address.matches('^(?i:http)://') && !{INSECURE_UPSTREAM}",
            "is plain http; write https, or set spec.upstream.allowInsecureUpstream: true if "
            "credentials may travel unprotected",
            at=".address",
        ),
    ],
    "ConnectorSpec.connector_class_name": [
        # Pods have the class's configurations mounted, and its defaults decide where uploads may
        # go: another class is another Connector. Everything else may change, so that registries
        # move and credentials rotate without a client noticing.
        one(
            "self != oldSelf",
            "cannot be changed, since clients hold configurations of the class; delete the "
            "Connector and create it again",
            reason="FieldValueForbidden",
        ),
    ],
    "ConnectorSpec.address": [
        Chain(
            [
                Check("!self.contains('://')", "has no scheme; write https://HOST[:PORT]"),
                *url("is not an address: ", "; write https://HOST[:PORT]"),
                Check(
                    f"!self.matches('{SCHEME}[^/?]*/?$')",
                    "'has a path or a query; write ' + self.lowerAscii().find('^https?://[^/?]*') + "
                    "\" (a repository's prefix belongs into the image's name)\"",
                    computed=True,
                ),
            ]
        ),
        one(
            rf"self.matches(r'{SCHEME}(?i:docker\.io|(hub\.|www\.)?docker\.com)([:/?]|$)')",
            "is not where Docker Hub serves images; write https://registry-1.docker.io",
        ),
    ],
    "LocalReference.name": [one(SUBDOMAIN, f"is not a Secret's name; {NAME_HELP}")],
    "CredentialReference.name": [one(SUBDOMAIN, f"is not a Secret's name; {NAME_HELP}")],
    "CredentialReference.username_key": [SECRET_KEY],
    "CredentialReference.password_key": [SECRET_KEY],
    "CredentialReference": [
        one(
            f"({given('usernameKey')} ? self.usernameKey : 'username') == "
            f"({given('passwordKey')} ? self.passwordKey : 'password')",
            "is the same as usernameKey; name the key that holds the password",
            at=".passwordKey",
        ),
    ],
    "ConnectorAuth": [
        one(
            "has(self.secretRef) && has(self.vaultRef)",
            "excludes secretRef; keep one of them",
            at=".vaultRef",
        ),
        *SECRET_NEVER_READ,
        one(
            f"{NEEDS_SECRET} && !has(self.secretRef) && !has(self.vaultRef)",
            "is missing; add secretRef: {name: SECRET} or vaultRef: {path: PATH}, or write name: "
            "anonymous for a registry that asks for no credential",
            at=".secretRef",
            reason="FieldValueRequired",
        ),
        *STATIC_NEEDS_CONSENT,
    ],
    "ConnectorAuth.name": [AUTH_NAME],
    "ConnectorParam": [
        one(
            UNKNOWN_PARAMETER,
            f"is not a known parameter; write {auth_kinds.listed(auth_kinds.PARAMETERS, 'or')}",
            at=".name",
        ),
        one(
            f"self.name == 'repository' && self.value != '' && "
            f"!self.value.matches(r'^{REPOSITORY_PART}(/{REPOSITORY_PART})*$')",
            "is not a repository name; write it without host and tag, such as library/ubuntu",
            at=".value",
        ),
    ],
    "VaultReference": [
        one(
            "(has(self.dockerConfigKey) && self.dockerConfigKey != '') && "
            "((has(self.usernameKey) && self.usernameKey != '') || "
            "(has(self.passwordKey) && self.passwordKey != ''))",
            "excludes usernameKey and passwordKey; keep the one or the other",
            at=".dockerConfigKey",
        ),
    ],
    "VaultReference.path": [
        Chain(
            [
                Check(bad, f"{says}; write the path of Vault's API, such as secret/data/ci/harbor")
                for bad, says in VAULT_PATH
            ]
        )
    ],
    "VaultReference.namespace": [
        Chain(
            [Check(bad, f"{says}; write one such as admin/team-a") for bad, says in VAULT_SEGMENTS]
        )
    ],
    "ConnectorUpstream": [
        one(
            f"has(self.tokenRealm) && self.tokenRealm.matches('^(?i:http)://') && !{INSECURE}",
            "is plain http, and receives the stored password; write https, or set "
            "spec.upstream.allowInsecureUpstream: true",
            at=".tokenRealm",
        ),
    ],
    "ConnectorUpstream.token_realm": [
        Chain(
            url("is not a URL: ", "; write for example https://HOST/service/token"),
            unless="self == ''",
        )
    ],
    "ConnectorRedirects.hosts[]": [
        one(
            f"self.startsWith('*.') ? self.contains(':') || {not_a_host('self.substring(2)')} : "
            "self.startsWith('[') ? !(self.endsWith(']') && self.contains(':') && "
            "isIP(self.substring(1, self.size() - 1))) : "
            f"{not_a_host('self')}",
            "is not a host; write a DNS name, *.SUFFIX or an IP address, without scheme, port and "
            "path",
        )
    ],
    "ConnectorLimits.max_concurrent_requests": [
        one("self == 0", "is zero, so that nothing could pass; write at least 1")
    ],
    "ConnectorAccessRule.actions": [
        one(
            "'push' in self && !('pull' in self)",
            "push can never match without pull, since a push also reads; write [pull, push]",
        )
    ],
    "ConnectorAccessRule.repositories[]": [
        Chain(
            [
                Check(
                    f"!({not_a_pattern('self.lowerAscii()')})",
                    "'can never match: repository names are lower case; write ' + self.lowerAscii()",
                    computed=True,
                ),
                Check(
                    not_a_pattern("self"),
                    "can never match: no repository has such a name; write components of lower-case "
                    "letters, digits, '.', '_' and '-', '*' for a part of one, '**' for any number, "
                    "such as team-a/**",
                ),
            ],
            refused=not_a_pattern("self"),
        )
    ],
    "ConnectorSubject": [
        one(
            "!has(self.serviceAccount) && !has(self.__namespace__) && !has(self.oidc)",
            "names nobody, so the rule can never match; write serviceAccount, namespace or oidc",
        ),
        one(
            "has(self.issuer) && has(self.oidc)",
            "stands beside oidc, which names its own; leave it out",
            at=".issuer",
        ),
    ],
    "ConnectorSubject.issuer": [
        one(
            NOT_A_URL,
            "can never match: it is not a URL; write the token's iss, such as "
            "https://token.example.com",
        )
    ],
    "ConnectorSubject.namespace": [
        one(
            LABEL,
            "is not a namespace name; write lower-case letters, digits and '-', at most 63",
        )
    ],
    "ServiceAccountSubject.namespace": [
        one(
            LABEL,
            "is not a namespace name; write lower-case letters, digits and '-', at most 63",
        )
    ],
    "ServiceAccountSubject.name": [
        one(
            SUBDOMAIN,
            "can never match: it is not a service account's name; write lower-case letters, digits, "
            "'-' and '.'",
        )
    ],
    "OidcSubject.issuer": [
        one(
            NOT_A_URL,
            "can never match: it is not a URL; write the token's iss, such as "
            "https://token.example.com",
        )
    ],
    "OidcSubject.claims": [one("'' in self", "can never match: a claim needs a name and a value")],
    "OidcSubject.claims{}": [
        one("self == ''", "can never match: a claim needs a name and a value")
    ],
    "ConnectorClassSpec.allowed_auth_names[]": [AUTH_NAME],
    # Hosts and address ranges have grammars that CEL cannot say: the controller does, in ClassReady.
    "UpstreamPolicy.unlisted": [
        one("!(self in ['none', 'public', 'local'])", "must be none, public or local")
    ],
    "ClientConfiguration.name": [
        one(
            SUBDOMAIN,
            "is not a name; write lower-case letters, digits, '-' and '.', such as buildkitd",
        )
    ],
    # Templates have a grammar that CEL cannot say: the controller does, in ClassReady.
    "ClientConfiguration.files": [
        Chain(
            [
                Check(
                    r"self.exists(path, path.matches(r'(^|/)(\.\.|\.?(/|$))'))",
                    f"has a part that is empty, is . or begins with ..{PATH_END}",
                ),
                Check(
                    "self.exists(path, "
                    r"!path.matches(r'^([A-Za-z0-9._:/\[\]-]|\{\{[^{}]*\}\})*$'))",
                    f"has a character other than letters, digits and ._-:[]{PATH_END}",
                ),
                Check(
                    "self.exists(path, path.matches('^([^/]*/){8}'))",
                    f"has more than 8 parts{PATH_END}",
                ),
            ]
        )
    ],
    "ClientConfiguration": [
        one(
            "has(self.formats) && self.formats.exists(path, !(path in self.files))",
            "names no file of files; remove it",
            at=".formats",
        )
    ],
    "ConfigurationParam.name": [
        one(
            "!self.matches('^[A-Za-z][A-Za-z0-9_]*$')",
            "is not a parameter's name; write letters, digits and _, beginning with a letter",
        )
    ],
    "ConfigurationParam": [
        one(
            "has(self.required) && self.required && has(self.default) && self.default != ''",
            "excludes default; keep one of them",
            at=".required",
        )
    ],
}

BY_NAME = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}

# What a field has beside its type: keywords of the schema that no option of the proto says.
SCHEMA = {
    # The only default that is not the class's: one written into the object would win over it.
    "ConnectorSpec.connector_class_name": {"default": "oci"},
    # So that two appliers may own different entries, and none is given twice.
    "ConnectorAuth.params": BY_NAME,
    "ConnectorClassSpec.configurations": BY_NAME,
    "ClientConfiguration.params": BY_NAME,
    "ConnectorStatus.conditions": {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    },
    "ConnectorStatus.secret_class": {"enum": ["none", "derived", "bounded", "static"]},
    "StatusCondition.status": {"enum": ["True", "False", "Unknown"]},
    "StatusCondition.last_transition_time": {"format": "date-time"},
    "StatusCondition.reason": {
        "minLength": 1,
        "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    },
}


def condition(kind, field):
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


def column(name, path, kind="string", wide=False):
    shown = {"name": name, "type": kind, "jsonPath": path}
    return {**shown, "priority": 1} if wide else shown


AGE = column("Age", ".metadata.creationTimestamp", "date")

KINDS = {
    "Connector": {
        "plural": "connectors",
        "short": ["conn"],
        "scope": "Namespaced",
        "columns": [
            column("Class", ".spec.connectorClassName"),
            column("Address", ".spec.address"),
            column("Secret-Class", ".status.secretClass"),
            column("Ready", condition("Ready", "status")),
            column("Reason", condition("Ready", "reason")),
            AGE,
            column("Auth", ".spec.auth.name", wide=True),
            column("URL", ".status.address.url", wide=True),
            column("Message", condition("Ready", "message"), wide=True),
        ],
    },
    "ConnectorClass": {
        "plural": "connectorclasses",
        "short": ["connclass"],
        "scope": "Cluster",
        "columns": [column("Auths", ".spec.allowedAuthNames"), AGE],
    },
}
