#!/bin/bash
# Runs the connectorctl binary as scripts do: exit codes, what goes to which stream, file modes.
# Usage: program_test.sh PATH-OF-CONNECTORCTL
set -u
connectorctl=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect CODE NAME COMMAND...: NAME completes "connectorctl ...".
expect() {
  local code=$1 name=$2
  shift 2
  "$@" >out 2>err
  local got=$?
  [ "$got" -eq "$code" ] || fail "$name: exit code $got, not $code; $(cat err)"
}

expect 0 "explains itself" "$connectorctl" --help
[ -s out ] && [ ! -s err ] || fail "help belongs on standard output"
expect 2 "needs a command" "$connectorctl"
[ ! -s out ] && [ -s err ] || fail "errors belong on standard error"
expect 2 "refuses an unknown command" "$connectorctl" rendr
expect 2 "refuses an unknown flag" "$connectorctl" version --verbose
expect 2 "refuses a missing directory" "$connectorctl" validate none

expect 0 "makes a PKI" "$connectorctl" pki init pki
[ "$(stat -c %a pki pki/ca.key pki/issuer.jwk.json pki/root.key | sort -u | xargs)" = "600 700" ] ||
  fail "keys must be private"
expect 2 "keeps a PKI that is there" "$connectorctl" pki init pki
for name in broker listener; do
  openssl verify -purpose sslserver -CAfile pki/ca.crt "pki/$name.crt" >/dev/null || fail "$name.crt"
done
for name in dataplane operator; do
  openssl verify -purpose sslclient -CAfile pki/ca.crt "pki/$name.crt" >/dev/null || fail "$name.crt"
done

expect 0 "mints a token" "$connectorctl" token mint --key pki/issuer.jwk.json --subject alice
[ "$(wc -l <out)" -eq 1 ] && [ ! -s err ] || fail "only the token is printed"
cp out token
expect 0 "renders from a pipe" \
  sh -c '"$1" render all --host h:1 --token-stdin --out tree <token' sh "$connectorctl"
[ "$(stat -c %a tree/config.json)" = 600 ] || fail "config.json must be private"
grep -rqF "$(cat token)" out err tree && fail "the token stands in the clear"

echo 'kind: Nothing' >bad.yaml
expect 1 "finds problems" "$connectorctl" validate bad.yaml
mkdir audit
expect 1 "verifies no empty chain" "$connectorctl" audit verify audit
# Port 1 on loopback: nobody listens there.
expect 3 "tells that the broker is not there" \
  "$connectorctl" check default/harbor --broker 127.0.0.1:1 --pki pki --timeout 5s
expect 2 "does not call a full disk success" \
  sh -c '"$1" --help >/dev/full' sh "$connectorctl"

expect 0 "completes in bash" "$connectorctl" completion bash
bash -n out || fail "the bash completion does not parse"
# shellcheck disable=SC1091
source out
COMP_WORDS=(connectorctl pki init --d)
COMP_CWORD=3
_connectorctl
[ "${COMPREPLY[*]}" = "--dns --dataplane --days" ] || fail "bash completes 'pki init --d' to ${COMPREPLY[*]}"
COMP_WORDS=(connectorctl to)
COMP_CWORD=1
_connectorctl
[ "${COMPREPLY[*]}" = "token" ] || fail "bash completes 'to' to ${COMPREPLY[*]}"

[ "$failures" -eq 0 ]
